'use strict';
const all = (selector, from = document) => [...from.querySelectorAll(selector)];
const one = id => document.getElementById(id);
const main = one('network');

// Lines: within each body on view, from the lower edge of what gives a value to the upper edge of what takes it. They pass rows
// upright and turn aside between two rows only.
const svg = (name, attributes) => {
  const element = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const key in attributes) element.setAttribute(key, attributes[key]);
  return element;
};

function rowsOf(body) {
  const style = getComputedStyle(body), gap = parseFloat(style.rowGap) || 0;
  let y = 0;
  return style.gridTemplateRows.split(' ').map(height => {
    const row = [y, y + parseFloat(height)];
    y = row[1] + gap;
    return row;
  });
}

// Where a value comes in or leaves: of an open block in the middle of its own first or last spot.
function middle(spot, last) {
  const block = spot.querySelector(':scope > details[open]');
  const body = block && block.querySelector(':scope > .body');
  const ends = body && (last ? body.leaving : body.entering);
  const rectangle = (ends && ends.length ? ends[0] : spot).getBoundingClientRect();
  return rectangle.left + rectangle.width / 2;
}

function drawBody(body) {
  const frame = body.getBoundingClientRect(), rows = rowsOf(body);
  const paths = [];
  for (const way of body.ways) {
    const spots = way.spots.map(number => body.spots[number]);
    const rowOf = spot => parseInt(spot.style.gridRowStart) - 1;
    let path = '', x = 0, y = 0;
    const reverse = rowOf(spots[0]) > rowOf(spots[spots.length - 1]);
    if (reverse) spots.reverse();
    spots.forEach((spot, number) => {
      const row = rows[rowOf(spot)] || [0, 0];
      const isLast = number === spots.length - 1, isItem = spot.classList.contains('item');
      const toX = middle(spot, number === 0) - frame.left;
      let top = row[0];
      if (number === 0) {
        const first = isItem && spot.firstElementChild.getBoundingClientRect();
        top = isItem ? first.bottom - frame.top : (way.enters ? body.parentElement.getBoundingClientRect().top - frame.top : row[0]);
        path = `M${toX} ${top}`;
      } else if (Math.abs(toX - x) < 0.5) {
        path += `L${toX} ${top}`;
      } else {
        const half = (y + top) / 2;
        path += `C${x} ${half} ${toX} ${half} ${toX} ${top}`;
      }
      const bottom = isLast && way.leaves ? body.parentElement.getBoundingClientRect().bottom - frame.top : row[1];
      if (!isLast || way.leaves) path += `L${toX} ${bottom}`;
      [x, y] = [toX, bottom];
    });
    const target = way.leaves ? null : body.spots[way.spots[way.spots.length - 1]];
    const tip = target && !reverse && !target.querySelector(':scope > details[open]');
    paths.push(svg('path', { d: path, ...(tip && { 'marker-end': 'url(#tip)' }) }));
  }
  body.drawing.replaceChildren(...paths);
}

for (const body of all('.body')) {
  body.spots = [...body.children];
  body.ways = body.dataset.ways.split(';').filter(way => way).map(way => {
    const words = way.split(' ');
    const enters = words[0] === 'i', leaves = words[words.length - 1] === 'o';
    return { enters, leaves, spots: words.filter(word => word !== 'i' && word !== 'o').map(Number) };
  });
  body.entering = body.ways.filter(way => way.enters).map(way => body.spots[way.spots[0]]);
  body.leaving = body.ways.filter(way => way.leaves).map(way => body.spots[way.spots[way.spots.length - 1]]);
  body.drawing = svg('svg', { 'aria-hidden': 'true' });
  body.append(body.drawing);
}
const tips = svg('svg', { width: 0, height: 0, style: 'position:absolute' });
const marker = svg('marker', { id: 'tip', viewBox: '0 0 8 8', refX: 7.5, refY: 4, markerWidth: 7, markerHeight: 7, orient: 'auto' });
marker.append(svg('path', { d: 'M0 .5L8 4L0 7.5z', class: 'tip', fill: 'context-stroke' }));
tips.append(marker);
main.prepend(tips);

const isShown = body => body.offsetParent !== null;
function draw() {
  const bodies = all('.body').filter(isShown);
  // What comes in stands in the middle of its block, so that lines run straight: the inner before the outer.
  const depth = body => { let count = 0; for (let at = body; at; at = at.parentElement) count++; return count; };
  const levels = new Map();
  for (const body of bodies) {
    if (body.parentElement === main) continue;
    const key = depth(body);
    if (!levels.has(key)) levels.set(key, []);
    levels.get(key).push(body);
  }
  for (const body of bodies) body.style.padding = '';
  for (const key of [...levels.keys()].sort((a, b) => b - a)) {
    const leans = levels.get(key).map(body => {
      const first = body.entering[0];
      if (!first) return [body, 0];
      const [inner, outer] = [first, body.parentElement].map(element => element.getBoundingClientRect());
      return [body, outer.left + outer.width / 2 - inner.left - inner.width / 2];
    });
    for (const [body, lean] of leans) {
      if (Math.abs(lean) > 1) body.style.padding = lean > 0 ? `0 0 0 ${2 * lean}px` : `0 ${-2 * lean}px 0 0`;
    }
  }
  bodies.forEach(drawBody);
}
let drawing = 0;
const drawSoon = () => { cancelAnimationFrame(drawing); drawing = requestAnimationFrame(draw); };
document.addEventListener('toggle', drawSoon, true);
addEventListener('resize', drawSoon);
addEventListener('beforeprint', draw);
one('open').onclick = () => all('details', main).forEach(block => { block.open = true; });
one('close').onclick = () => all('details', main).forEach(block => { block.open = false; });

// Sizes: what is chosen, what comes of it, and what the network asks of it.
const chosen = network.starts.slice();
const shown = number => Number.isSafeInteger(number) ? String(number) : 'past counting';
const shapeAt = (value, sizes) => '[' + network.shapes[value].map(dim => shown(sizes[dim])).join(', ') + ']';
const holds = ([left, relation, right], sizes) => {
  const [a, b] = [sizes[left], sizes[right]];
  if (Number.isNaN(a) || Number.isNaN(b)) return true;
  return relation === 'equal' ? a === b : relation === 'be at least' ? a >= b : a % b === 0;
};
const fits = at => { const sizes = sizesOf(at); return network.asked.every(asked => holds(asked, sizes)); };

// The nearest size of a symbol below and above that fits, the others staying.
function neighbours(symbol) {
  const found = [];
  for (const step of [-1, 1]) {
    for (let tried = 1; tried <= 1024; tried++) {
      const size = chosen[symbol] + step * tried;
      if (size < 1) break;
      if (fits(chosen.map((old, number) => number === symbol ? size : old))) { found.push(size); break; }
    }
  }
  return found;
}

function resize() {
  const sizes = sizesOf(chosen);
  for (const element of all('[data-value].shape')) element.textContent = shapeAt(element.dataset.value, sizes);
  for (const input of all('[data-symbol]')) {
    if (document.activeElement !== input || input.type === 'range') input.value = chosen[input.dataset.symbol];
  }
  const broken = network.asked.filter(asked => !holds(asked, sizes));
  main.classList.toggle('refused', broken.length > 0);
  const refusal = one('refusal');
  refusal.hidden = broken.length === 0;
  refusal.replaceChildren();
  if (broken.length > 0) {
    const words = dim => /^-?\d+$/.test(network.texts[dim]) ? network.texts[dim] : `${network.texts[dim]} = ${shown(sizes[dim])}`;
    const [left, relation, right, reason] = broken[0];
    const given = network.names.map((name, number) => `${name} = ${chosen[number]}`).join(', ');
    refusal.append(`The network does not work with ${given}: ${reason}. ${words(left)} must ${relation} ${words(right)}.`);
    if (network.rule) refusal.append(`\nSizes that work are ${network.rule}.`);
    network.names.forEach((name, symbol) => neighbours(symbol).forEach(size => {
      const button = document.createElement('button');
      button.type = 'button';
      button.textContent = `${name} = ${size}`;
      button.onclick = () => { chosen[symbol] = size; resize(); };
      refusal.append(button);
    }));
  }
  drawSoon();
}
for (const input of all('[data-symbol]')) {
  input.addEventListener('input', () => {
    const size = Number(input.value);
    if (Number.isSafeInteger(size) && size >= 1) { chosen[input.dataset.symbol] = size; resize(); }
  });
  input.addEventListener('change', () => { input.value = chosen[input.dataset.symbol]; });
}

// What is pointed at, or focused, is told.
function tell(element) {
  const told = one('told');
  told.hidden = !element;
  if (!element) return;
  const { path, told: words = '', value } = element.dataset;
  const sizes = sizesOf(chosen);
  const lines = [path, words];
  if (value !== undefined) {
    const form = '[' + network.shapes[value].map(dim => network.texts[dim]).join(', ') + ']', at = shapeAt(value, sizes);
    lines.splice(1, 0, form === at ? `output ${at}` : `output ${form} = ${at}`);
  }
  told.textContent = lines.filter(line => line).join('\n');
}
const tellOf = event => tell(event.target.closest && event.target.closest('[data-path]'));
main.addEventListener('mouseover', tellOf);
main.addEventListener('focusin', tellOf);
main.addEventListener('mouseleave', () => tell(null));
main.addEventListener('focusout', () => tell(null));

// Search: what fits is marked, also the closed blocks that hold it; Enter goes from one to the next and opens them.
let hits = [], at = -1;
function search(words) {
  all('.hit, .here, .holds').forEach(element => element.classList.remove('hit', 'here', 'holds'));
  [hits, at] = [[], -1];
  const wanted = words.trim().toLowerCase();
  if (wanted) {
    const text = element => `${element.dataset.path} ${element.textContent}`.toLowerCase();
    hits = all('[data-path]', main).filter(element => text(element).includes(wanted));
    for (const hit of hits) {
      hit.classList.add('hit');
      for (let block = hit.closest('details'); block; block = block.parentElement.closest('details')) block.classList.add('holds');
    }
  }
  one('found').textContent = wanted ? (hits.length ? `${hits.length} found` : 'nothing found') : '';
}
function next(step) {
  if (!hits.length) return;
  all('.here').forEach(element => element.classList.remove('here'));
  at = (at + step + hits.length) % hits.length;
  const hit = hits[at];
  for (let block = hit.parentElement.closest('details'); block; block = block.parentElement.closest('details')) {
    if (!(hit.tagName === 'SUMMARY' && block === hit.parentElement)) block.open = true;
  }
  hit.classList.add('here');
  one('found').textContent = `${at + 1} of ${hits.length}`;
  draw();
  hit.scrollIntoView({ block: 'center', inline: 'center' });
  tell(hit);
}
one('search').addEventListener('input', event => search(event.target.value));
one('search').addEventListener('keydown', event => {
  if (event.key === 'Enter') { event.preventDefault(); next(event.shiftKey ? -1 : 1); }
  if (event.key === 'Escape') { event.target.value = ''; search(''); event.target.blur(); }
});
document.addEventListener('keydown', event => {
  if (event.key === '/' && !/^(INPUT|TEXTAREA)$/.test(document.activeElement.tagName)) { event.preventDefault(); one('search').focus(); }
});

resize();
draw();
