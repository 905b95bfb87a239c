import { existsSync } from 'node:fs';
import * as path from 'node:path';
import * as vscode from 'vscode';

/** csnotebook is not there: a sentence for the user, and the folder whose set-up would build it. */
export class NotBuilt extends Error {
  constructor(sentence: string, readonly home?: string) {
    super(sentence);
  }
}

/** The folders that may be PatchKit's: the notebook's own and those above it, then the workspace's. */
export function folders(notebook?: vscode.Uri): string[] {
  const found: string[] = [];
  if (notebook?.scheme === 'file') {
    for (let at = path.dirname(notebook.fsPath); ; at = path.dirname(at)) {
      found.push(at);
      if (path.dirname(at) === at) break;
    }
  }
  for (const folder of vscode.workspace.workspaceFolders ?? []) found.push(folder.uri.fsPath);
  return found;
}

/** The first of the folders that is a checkout of PatchKit. */
export function checkout(notebook?: vscode.Uri): string | undefined {
  return folders(notebook).find(folder => existsSync(path.join(folder, 'environment', 'setup.sh')));
}

/**
 * The command that starts csnotebook.
 * @throws NotBuilt where there is none
 */
export function csnotebook(notebook?: vscode.Uri): string[] {
  const setting = vscode.workspace.getConfiguration('patchkit').get<string>('csnotebook', '');
  if (setting !== '') {
    const file = path.resolve(vscode.workspace.workspaceFolders?.[0]?.uri.fsPath ?? '', setting);
    if (existsSync(file)) return command(file);
    throw new NotBuilt(
      `The setting patchkit.csnotebook names ${file}, which is not there; correct it, or empty it for bin/csnotebook.`,
    );
  }
  for (const folder of folders(notebook)) {
    const found = program(folder, 'csnotebook');
    if (found) return found;
  }
  const home = checkout(notebook);
  throw new NotBuilt(
    home
      ? `C# notebooks run by csnotebook, which is not built in ${home} yet. Set-up builds it: some minutes, once.`
      : 'C# notebooks run by csnotebook, and there is no bin/csnotebook in this folder or above it. Open PatchKit\'s '
        + 'folder, or name the program in the setting patchkit.csnotebook.',
    home,
  );
}

/** The command that starts one of PatchKit's programs in a folder's bin; undefined where it is not built. */
export function program(folder: string, name: string): string[] | undefined {
  const names = process.platform === 'win32' ? [`${name}.exe`, `${name}.dll`] : [name, `${name}.dll`];
  const file = names.map(each => path.join(folder, 'bin', each)).find(existsSync);
  return file ? command(file) : undefined;
}

function command(file: string): string[] {
  return file.endsWith('.dll') ? ['dotnet', file] : [file];
}
