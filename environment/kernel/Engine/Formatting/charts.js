// Draws charts where plotly.js is on the page, or can be had from beside it. An element with data-figure holds what
// plotly.js needs (its JSON, deflated, in base64); what stands in it, an image or a table, stays where none is drawn.
(() => {
  if (window.csnotebookCharts) return window.csnotebookCharts();
  // Narrower than this, a chart that was drawn for a page hides its own words; its image can be scrolled instead.
  const readable = 600;
  const source = document.currentScript?.dataset.plotly;
  let loading;
  const plotly = () => window.Plotly ? Promise.resolve() : loading ??= new Promise((done, failed) => {
    const script = document.createElement('script');
    Object.assign(script, { src: source, onload: done, onerror: failed });
    document.head.append(script);
  });

  // Ink and paper of the page: figures are made in black on white.
  const page = () => {
    const probe = document.createElement('span');
    probe.style.color = 'var(--vscode-editor-foreground,var(--jp-content-font-color1,#1f2328))';
    probe.style.backgroundColor = 'var(--vscode-editor-background,var(--jp-layout-color0,#ffffff))';
    document.body.append(probe);
    const { color, backgroundColor } = getComputedStyle(probe);
    probe.remove();
    return { ink: color, paper: backgroundColor };
  };
  const ink = ['#1f2328', 'rgba(42, 63, 95, 1.0)', '#2a3f5f'], paper = ['#ffffff', 'white', 'rgba(255, 255, 255, 1.0)'];
  const themed = (value, theme) =>
    typeof value === 'string' ? ink.includes(value) ? theme.ink : paper.includes(value) ? theme.paper : value
      : Array.isArray(value) ? value.map(item => themed(item, theme))
      : value && typeof value === 'object'
        ? Object.fromEntries(Object.entries(value).map(([name, item]) => [name, themed(item, theme)])) : value;

  const draw = async box => {
    if (box.dataset.live) return;
    box.dataset.live = 'yes';
    const before = [...box.children], chart = document.createElement('div');
    const looks = before.map(child => child.style.display);
    try {
      await plotly();
      const bytes = Uint8Array.from(atob(box.dataset.figure), c => c.charCodeAt(0));
      const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate-raw'));
      const theme = page(), figure = themed(await new Response(stream).json(), theme);
      chart.className = 'chart-live';
      if (before.some(child => child.tagName === 'IMG')) chart.style.minWidth = `${readable}px`;
      const layout = figure.layout ?? {};
      layout.paper_bgcolor ??= theme.paper;
      layout.plot_bgcolor ??= theme.paper;
      layout.font = { color: theme.ink, ...layout.font };
      before.forEach(child => child.style.display = 'none');
      box.prepend(chart);
      await Plotly.newPlot(chart, figure.data, layout, { responsive: true, displaylogo: false, ...figure.config });
    } catch {
      chart.remove();
      before.forEach((child, i) => child.style.display = looks[i]);
    }
  };
  const seen = new IntersectionObserver(entries => entries.forEach(({ isIntersecting, target }) => {
    if (!isIntersecting) return;
    seen.unobserve(target);
    const image = target.querySelector(':scope > img');
    if (!image || target.clientWidth >= readable) return void draw(target);
    image.title = 'Tap for a chart that can be zoomed.';
    image.addEventListener('click', () => draw(target), { once: true });
  }), { rootMargin: '300px' });
  const known = new WeakSet();
  const all = () => {
    if (!window.Plotly && !source) return;
    document.querySelectorAll('[data-figure]:not([data-live])').forEach(box => {
      if (!known.has(box)) seen.observe(box);
      known.add(box);
    });
  };
  window.csnotebookCharts = all;
  new MutationObserver(all).observe(document.documentElement, { childList: true, subtree: true });
  all();
})();
