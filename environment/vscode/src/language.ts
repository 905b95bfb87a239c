import * as vscode from 'vscode';
import { callAt } from './calls';
import { fromCodePoints, toCodePoints } from './messages';
import type { Session } from './session';

/** Finds the session of a cell; undefined where another kernel runs its notebook. */
export type SessionOf = (cell: vscode.TextDocument) => Session | undefined;

const kinds: Record<string, vscode.CompletionItemKind> = {
  method: vscode.CompletionItemKind.Method,
  property: vscode.CompletionItemKind.Property,
  event: vscode.CompletionItemKind.Event,
  namespace: vscode.CompletionItemKind.Module,
  constant: vscode.CompletionItemKind.Constant,
  field: vscode.CompletionItemKind.Field,
  variable: vscode.CompletionItemKind.Variable,
  keyword: vscode.CompletionItemKind.Keyword,
  class: vscode.CompletionItemKind.Class,
  struct: vscode.CompletionItemKind.Struct,
  structure: vscode.CompletionItemKind.Struct,
  interface: vscode.CompletionItemKind.Interface,
  enum: vscode.CompletionItemKind.Enum,
  delegate: vscode.CompletionItemKind.Function,
  typeparameter: vscode.CompletionItemKind.TypeParameter,
};

/** Completion, hover and signature help in cells, from what is live in the kernel. */
export function languageHelp(sessionOf: SessionOf): vscode.Disposable {
  const cells: vscode.DocumentSelector = { language: 'csharp', notebookType: 'jupyter-notebook' };
  return vscode.Disposable.from(
    vscode.languages.registerCompletionItemProvider(cells, new Completions(sessionOf), '.', '#', '!'),
    vscode.languages.registerHoverProvider(cells, {
      async provideHover(document, position) {
        const found = await inspect(sessionOf(document), document.getText(), document.offsetAt(position));
        return found && new vscode.Hover(markdown(found), document.getWordRangeAtPosition(position));
      },
    }),
    vscode.languages.registerSignatureHelpProvider(cells, { provideSignatureHelp: signatures }, '(', ','),
  );

  async function signatures(
    document: vscode.TextDocument, position: vscode.Position,
  ): Promise<vscode.SignatureHelp | undefined> {
    const call = callAt(document.getText(), document.offsetAt(position));
    const found = call && (await inspect(sessionOf(document), call.code, call.code.length - 1));
    if (!call || !found) return undefined;
    const [declarations, ...rest] = found['text/plain'].split('\n\n');
    const help = new vscode.SignatureHelp();
    help.signatures = declarations.split('\n').map(line => signature(line, rest.join('\n\n')));
    // The first overload with so many parameters.
    help.activeSignature = Math.max(0, help.signatures.findIndex(each => each.parameters.length > call.argument));
    help.activeParameter = call.argument;
    return help;
  }
}

class Completions implements vscode.CompletionItemProvider<Completed> {
  constructor(private readonly sessionOf: SessionOf) {}

  async provideCompletionItems(
    document: vscode.TextDocument, position: vscode.Position,
  ): Promise<vscode.CompletionList<Completed> | undefined> {
    const code = document.getText();
    const session = this.sessionOf(document);
    const cursor = toCodePoints(code, document.offsetAt(position));
    const reply = await session?.ask('complete_request', { code, cursor_pos: cursor });
    if (!session || reply?.status !== 'ok') return undefined;
    const begin = fromCodePoints(code, reply.cursor_start);
    const end = fromCodePoints(code, reply.cursor_end);
    const range = new vscode.Range(document.positionAt(begin), document.positionAt(end));
    const described: { text: string; type: string; signature: string }[] = reply.metadata._jupyter_types_experimental;
    const found = described.map(each => {
      const item = new Completed(each.text, kinds[each.type], session, code.slice(0, begin), code.slice(end));
      item.detail = each.signature;
      item.range = range;
      return item;
    });
    // Where nothing is typed yet the kernel leaves keywords out.
    return new vscode.CompletionList(found, begin === end);
  }

  async resolveCompletionItem(item: Completed): Promise<Completed> {
    const code = item.before + item.label + item.after;
    const found = await inspect(item.session, code, item.before.length + item.label.length);
    if (found) item.documentation = markdown(found);
    return item;
  }
}

/** A completion, with the cell around it. */
class Completed extends vscode.CompletionItem {
  constructor(
    override readonly label: string,
    kind: vscode.CompletionItemKind | undefined,
    readonly session: Session,
    readonly before: string,
    readonly after: string,
  ) {
    super(label, kind);
  }
}

async function inspect(
  session: Session | undefined, code: string, at: number,
): Promise<Record<string, string> | undefined> {
  const reply = await session?.ask('inspect_request', { code, cursor_pos: toCodePoints(code, at), detail_level: 0 });
  return reply?.found ? reply.data : undefined;
}

function markdown(found: Record<string, string>): vscode.MarkdownString {
  return new vscode.MarkdownString(found['text/markdown'] ?? found['text/plain']);
}

/** A method's declaration, its parameters marked. */
function signature(declaration: string, documentation: string): vscode.SignatureInformation {
  const information = new vscode.SignatureInformation(declaration, documentation);
  const open = declaration.indexOf('(');
  let depth = 0, begin = open + 1;
  for (let at = begin; open >= 0 && at < declaration.length; at++) {
    const letter = declaration[at];
    if ((letter === ')' && depth === 0) || (letter === ',' && depth === 0)) {
      if (declaration.slice(begin, at).trim().length > 0) {
        information.parameters.push(new vscode.ParameterInformation([begin, at]));
      }
      begin = at + 2;
      if (letter === ')') break;
    } else if ('(<['.includes(letter)) depth++;
    else if (')>]'.includes(letter)) depth--;
  }
  return information;
}
