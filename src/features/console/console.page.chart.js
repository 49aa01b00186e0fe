// A chart, and the same as a table for whoever does not see it.

import { Component, html } from './markup.js';
import uPlot from './uplot.js';
import { clocks, number, rate, t } from './words.js';

const height = 160;
const dashes = [[], [8, 4], [2, 3], [12, 4, 2, 4], [5, 5], [1, 4]];
const dark = matchMedia('(prefers-color-scheme: dark)');

/** `lines`: `{ name, values, unit }` for each of `times`. */
export class Chart extends Component {
  #node;
  #plot;
  #drawn;
  #observer = new ResizeObserver(() => this.#resize());
  #recolour = () => this.#draw(true);

  componentDidMount() {
    this.#observer.observe(this.#node);
    dark.addEventListener('change', this.#recolour);
    this.#draw(true);
  }

  componentDidUpdate() {
    this.#draw(false);
  }

  componentWillUnmount() {
    this.#observer.disconnect();
    dark.removeEventListener('change', this.#recolour);
    this.#plot?.destroy();
  }

  render({ title, lines, unit }) {
    return html`<section class="card chart" aria-label=${title}>
      <h2>${title} <span class="unit">${unit}</span></h2>
      <div class="plot" aria-hidden="true" ref=${(node) => this.#kept(node)}></div>
      ${lines.length === 0 ? html`<p class="faint">${t('chart.nothing')}</p>` : legend(title, lines)}
    </section>`;
  }

  #kept(node) {
    this.#node = node ?? this.#node;
  }

  #resize() {
    const { clientWidth: width } = this.#node;
    if (width > 0 && width !== this.#plot?.width) this.#plot?.setSize({ width, height });
  }

  #draw(isNew) {
    const { times, lines } = this.props;
    const names = lines.map(({ name }) => name).join('\n');
    const data = [times, ...lines.map(({ values }) => values)];
    if (!isNew && names === this.#drawn && this.#plot) return this.#plot.setData(data);
    this.#plot?.destroy();
    this.#drawn = names;
    this.#plot = new uPlot(this.#options(lines), data, this.#node);
    return undefined;
  }

  #options(lines) {
    const style = getComputedStyle(this.#node);
    const colour = (name) => style.getPropertyValue(name).trim();
    const axis = { stroke: colour('--faint'), grid: { stroke: colour('--line'), width: 1 }, ticks: { show: false } };
    const font = `12px ${style.fontFamily}`;
    return {
      ...{ width: Math.max(120, this.#node.clientWidth), height, cursor: { show: false }, legend: { show: false } },
      scales: { y: { range: (_plot, _min, max) => [0, Math.max(1, max * 1.1)] } },
      // Where the days begin.
      tzDate: (seconds) => uPlot.tzDate(new Date(milliseconds(seconds)), 'Etc/UTC'),
      axes: [
        { ...axis, font, space: 70, size: 26, values: (_plot, ticks) => clocks(ticks.map(milliseconds)) },
        { ...axis, font, size: 56, values: (_plot, ticks) => ticks.map((value) => number(value, 2)) },
      ],
      series: [
        {},
        ...lines.map(({ name }, i) => ({
          ...{ label: name, width: 2, dash: dashes[i % dashes.length], points: { show: false } },
          stroke: colour(`--line-${(i % dashes.length) + 1}`),
        })),
      ],
    };
  }
}

function milliseconds(seconds) {
  return seconds * 1000;
}

/** What a chart tells, in numbers; it names the lines, too. */
function legend(title, lines) {
  return html`<table class="legend">
    <caption class="visually-hidden">${t('chart.table', { title })}</caption>
    <thead>
      <tr>
        <th scope="col">${t('chart.line')}</th>
        <th scope="col">${t('chart.now')}</th>
        <th scope="col">${t('chart.mean')}</th>
        <th scope="col">${t('chart.most')}</th>
      </tr>
    </thead>
    <tbody>
      ${lines.map(
        ({ name, values }, i) => html`<tr key=${name}>
          <th scope="row">
            <svg class="swatch" viewBox="0 0 24 4" aria-hidden="true">
              <line class=${`stroke-${(i % dashes.length) + 1}`} x1="0" y1="2" x2="24" y2="2" />
            </svg>
            <bdi>${name}</bdi>
          </th>
          ${figuresOf(values).map((figure) => html`<td>${figure}</td>`)}
        </tr>`,
      )}
    </tbody>
  </table>`;
}

/** Now, on average, and at most. */
function figuresOf(values) {
  const known = values.filter((value) => value !== null);
  if (known.length === 0) return ['–', '–', '–'];
  const mean = known.reduce((sum, value) => sum + value, 0) / known.length;
  return [values.at(-1), mean, Math.max(...known)].map((value) => (value === null ? '–' : rate(value)));
}
