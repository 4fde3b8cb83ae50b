// Runs inside the page; its value is a list of what is wrong there, in words.
(() => {
  const findings = [];
  const say = (what, element) =>
    findings.push(
      `${what}: ${element.tagName.toLowerCase()}${element.className && element.className.baseVal === undefined ? `.${element.className}` : ''} ${JSON.stringify((element.textContent ?? '').trim().slice(0, 40))}`,
    );
  const isShown = (element) => element.getClientRects().length > 0 && element.checkVisibility({ visibilityProperty: true });
  const width = document.documentElement.clientWidth;
  for (const fold of document.querySelectorAll('details')) fold.open = true;

  if (document.documentElement.scrollWidth > width) findings.push(`the page is ${document.documentElement.scrollWidth} wide on a screen of ${width}`);
  for (const element of document.body.querySelectorAll('*')) {
    const { right, width: own } = element.getBoundingClientRect();
    const clipped = getComputedStyle(element).clipPath !== 'none' || element.closest('thead') !== null;
    if (isShown(element) && own > 0 && right > width + 1 && !clipped) say(`ends at ${Math.round(right)} on a screen of ${width}`, element);
  }

  if (document.title.trim() === '' || document.documentElement.lang === '') findings.push('a page without a title or a language');
  let level = 0;
  for (const heading of document.querySelectorAll('h1, h2, h3, h4, h5, h6')) {
    const its = Number(heading.tagName.slice(1));
    if (its > level + 1 || (its === 1 && level > 0)) say(`a heading out of order after h${level}`, heading);
    level = its;
  }
  if (document.querySelectorAll('h1').length !== 1) findings.push(`${document.querySelectorAll('h1').length} headings of the first level`);

  for (const cell of document.querySelectorAll('td, tbody th')) {
    const words = [...cell.childNodes]
      .filter((node) => !(node instanceof Element && node.classList.contains('label')))
      .map((node) => node.textContent ?? '')
      .join('');
    if (!/\S/.test(words)) say('a cell without words', cell);
    if (isShown(cell) && cell.innerText.trim() === '') say('a cell whose words are not shown', cell);
  }
  for (const picture of document.querySelectorAll('svg:not([aria-hidden="true"]), img')) {
    const named = (picture.getAttribute('aria-labelledby') ?? '')
      .split(' ')
      .map((id) => document.getElementById(id)?.textContent ?? '')
      .join('');
    if (!/\S/.test(named + (picture.getAttribute('alt') ?? ''))) say('a picture without words', picture);
  }

  // w3.org/TR/WCAG22/#contrast-minimum: 4.5 to 1, whatever the size.
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => {
    const linear = [r, g, b].map((one) => one / 255).map((one) => (one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4));
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = rgba(getComputedStyle(at).backgroundColor);
      if (colour[3] === 255) return colour;
    }
    return rgba('canvas');
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const seen = new Set();
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    if (!/\S/.test(node.textContent) || seen.has(element) || !isShown(element) || /^(?:STYLE|TITLE|DESC)$/i.test(element.tagName)) continue;
    seen.add(element);
    const style = getComputedStyle(element);
    const [one, other] = [light(rgba(element instanceof SVGElement ? style.fill : style.color)), light(behind(element))];
    const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    if (contrast < 4.5) say(`contrast of ${contrast.toFixed(1)}`, element);
    if (Number.parseFloat(style.fontSize) < 11) say(`letters of ${style.fontSize}`, element);
  }
  // A picture that is made smaller makes its letters smaller.
  for (const label of document.querySelectorAll('svg text')) {
    if (!isShown(label)) continue;
    const drawn = Number.parseFloat(getComputedStyle(label).fontSize) * label.getScreenCTM().a;
    if (drawn < 11) say(`letters of ${drawn.toFixed(1)} pixels`, label);
  }
  return findings;
})();
