/** The few functions of plotly.js that are used; its own types are a package of their own. */
declare module 'plotly.js-dist-min' {
  export function react(box: HTMLElement, data: object[], layout: object, config: object): Promise<unknown>;
  export function relayout(box: HTMLElement, changes: object): Promise<unknown>;
  export function addFrames(box: HTMLElement, frames: object[]): Promise<unknown>;
  export function purge(box: HTMLElement): void;
}
