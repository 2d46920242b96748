'use strict';
const all = (selector, from = document) => [...from.querySelectorAll(selector)];
const one = id => document.getElementById(id);
const main = one('network');

// What pages do anew when something on them has changed.
let draw = () => {};
let drawing = 0;
const drawSoon = () => { cancelAnimationFrame(drawing); drawing = requestAnimationFrame(() => draw()); };
document.addEventListener('toggle', drawSoon, true);
addEventListener('resize', drawSoon);
// One sheet of paper holds all of it, so that no line is cut.
const paper = document.head.appendChild(document.createElement('style'));
addEventListener('beforeprint', () => {
  draw();
  const { scrollWidth, scrollHeight } = document.documentElement;
  paper.textContent = `@page { size: ${Math.max(scrollWidth, 700)}px ${scrollHeight + 60}px; margin: 10px }`;
});
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
