import Plotly from 'plotly.js-dist-min';
import type { ActivationFunction } from 'vscode-notebook-renderer';

/** A plotly figure, as its MIME type carries it. */
interface Figure {
  data: object[];
  layout?: Record<string, unknown>;
  config?: Record<string, unknown>;
  frames?: object[];
}

/** PatchKit's figures write these two for the page's ink and paper. */
const ink = '#1f2328', paper = '#ffffff';

/** plotly's height of figures that name none. */
const defaultHeight = 450;

/** Whatever a figure says: it is fitted here, and plotly's button that uploads a chart to its makers is not shown. */
const ownConfig = { responsive: false, showSendToCloud: false, plotlyServerURL: '' };

/** plotly's ground for figures that name none. */
const defaultGrounds = [undefined, paper, '#fff', 'white', '#E5ECF6'];

/** Draws figures that can be zoomed and hovered over, in the colours of VS Code's theme. */
export const activate: ActivationFunction = () => {
  const shown = new Map<string, { box: HTMLElement; figure: Figure }>();
  const widths = new ResizeObserver(changes => {
    for (const { box, figure } of shown.values()) {
      if (changes.some(change => change.target === box) && figure.layout?.width === undefined) fit(box);
    }
  });
  // The theme changes a class of the body, and the colours behind it.
  new MutationObserver(() => shown.forEach(draw)).observe(document.body, {
    attributes: true,
    attributeFilter: ['class', 'data-vscode-theme-id'],
  });

  return {
    async renderOutputItem(item, element) {
      const figure: Figure = item.json();
      let box = element.querySelector<HTMLElement>(':scope > .patchkit-plotly');
      if (!box) {
        box = document.createElement('div');
        box.className = 'patchkit-plotly';
        element.replaceChildren(box);
        widths.observe(box);
      }
      shown.set(item.id, { box, figure });
      await draw({ box, figure });
    },
    disposeOutputItem(id) {
      for (const [key, { box }] of shown) {
        if (id !== undefined && key !== id) continue;
        widths.unobserve(box);
        Plotly.purge(box);
        shown.delete(key);
      }
    },
  };
};

async function draw({ box, figure }: { box: HTMLElement; figure: Figure }): Promise<void> {
  const colours = themeColours();
  const themed = recoloured(figure, colours);
  const layout = themed.layout ?? {};
  const font = { color: colours.ink, ...(layout.font as object) };
  const grounds = ['paper_bgcolor', 'plot_bgcolor'].map(name => [
    name,
    defaultGrounds.includes(figure.layout?.[name] as string) ? colours.paper : layout[name],
  ]);
  const whole = {
    uirevision: 'kept', width: box.clientWidth || undefined, height: defaultHeight, ...layout, autosize: false, font,
    ...Object.fromEntries(grounds), template: template(colours),
  };
  try {
    // An update keeps the element, and where its user has zoomed.
    const config = { displaylogo: false, ...themed.config, ...ownConfig };
    await Plotly.react(box, themed.data ?? [], whole, config);
    if (figure.frames) await Plotly.addFrames(box, figure.frames);
  } catch (error) {
    box.textContent = `plotly.js cannot draw this figure: ${error instanceof Error ? error.message : error}`;
  }
}

/**
 * Gives a figure its page's width. plotly's own way, `responsive`, takes the height of the box as well, which is the
 * figure's and a margin here: each time it looks, the figure grows.
 */
function fit(box: HTMLElement & { layout?: { width?: number } }): void {
  const width = box.clientWidth;
  if (box.layout && width > 0 && box.layout.width !== width) void Plotly.relayout(box, { width });
}

interface Colours {
  ink: string;
  paper: string;
  grid: string;
}

function themeColours(): Colours {
  const style = getComputedStyle(document.body);
  const colour = (...names: string[]) => names.map(name => style.getPropertyValue(name).trim()).find(found => found);
  const contrast = document.body.classList.contains('vscode-high-contrast');
  return {
    ink: colour('--vscode-editor-foreground', '--vscode-foreground') ?? ink,
    paper: colour(
      '--vscode-notebook-outputContainerBackgroundColor', '--vscode-notebook-editorBackground',
      '--vscode-editor-background',
    ) ?? paper,
    grid: (contrast ? colour('--vscode-contrastBorder') : undefined) ?? 'rgba(128,128,128,0.25)',
  };
}

/** A figure with the page's ink and paper in place of a white page's. */
function recoloured<T>(value: T, colours: Colours): T {
  if (value === ink) return colours.ink as T;
  if (value === paper) return colours.paper as T;
  if (Array.isArray(value)) return value.map(each => recoloured(each, colours)) as T;
  if (value === null || typeof value !== 'object' || ArrayBuffer.isView(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, recoloured(each, colours)])) as T;
}

/** What a figure that names no colours of its own looks like. */
function template(colours: Colours): object {
  const axis = { gridcolor: colours.grid, linecolor: colours.grid, zerolinecolor: colours.grid };
  return { layout: { xaxis: axis, yaxis: axis, hoverlabel: { bgcolor: colours.paper, font: { color: colours.ink } } } };
}
