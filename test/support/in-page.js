// What page.safety.test.ts asks of a page; these run in the browser.

/** What has the focus, and whether that can be seen. */
export function focused() {
  const node = document.activeElement;
  if (node === document.body) return 'page';
  const { outlineStyle, outlineWidth } = getComputedStyle(node);
  const name = node.getAttribute('aria-label') ?? node.id;
  return `${name || node.textContent}${outlineStyle === 'solid' && outlineWidth === '3px' ? '' : ' (unseen)'}`;
}

/** Texts that are drawn, whose contrast with what is behind them is less than WCAG AA wants: 4.5 to 1. */
export function faint() {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const found = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const { textContent, parentElement } = texts.currentNode;
    if (!textContent.trim() || !parentElement.checkVisibility({ visibilityProperty: true })) continue;
    const behind = [];
    for (let each = parentElement; each; each = each.parentElement)
      behind.unshift(getComputedStyle(each).backgroundColor);
    const ground = luminance(canvas, behind);
    const ink = luminance(canvas, [...behind, getComputedStyle(parentElement).color]);
    const contrast = Math.max(ground, ink) / Math.min(ground, ink);
    if (contrast < 4.5) found.push(`${textContent}: ${contrast.toFixed(2)}`);
  }
  return found;
}

/** Of colours painted over each other. Source: WCAG 2.2, relative luminance */
function luminance(canvas, colours) {
  for (const colour of colours) {
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
  }
  const [r, g, b] = Array.from(canvas.getImageData(0, 0, 1, 1).data, (part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
}
