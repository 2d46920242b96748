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

// Where a value comes in or leaves: of an open block at its own spot for it.
function middle(spot, value, leaves) {
  const body = spot.querySelector(':scope > details[open] > .body');
  const ends = body && (leaves ? body.leaving : body.entering);
  const rectangle = (ends && ends.get(value) || spot).getBoundingClientRect();
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
      const toX = middle(spot, way.value, (number === 0) !== reverse) - frame.left;
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
    const [value, places] = way.split(':'), words = places.split(' ');
    const enters = words[0] === 'i', leaves = words[words.length - 1] === 'o';
    return { value, enters, leaves, spots: words.filter(word => word !== 'i' && word !== 'o').map(Number) };
  });
  const first = way => body.spots[way.spots[0]], last = way => body.spots[way.spots[way.spots.length - 1]];
  body.entering = new Map(body.ways.filter(way => way.enters).map(way => [way.value, first(way)]));
  body.leaving = new Map(body.ways.filter(way => way.leaves).map(way => [way.value, last(way)]));
  body.drawing = svg('svg', { 'aria-hidden': 'true' });
  body.append(body.drawing);
}
const tips = svg('svg', { width: 0, height: 0, style: 'position:absolute' });
const marker = svg('marker', { id: 'tip', viewBox: '0 0 8 8', refX: 7.5, refY: 4, markerWidth: 7, markerHeight: 7, orient: 'auto' });
marker.append(svg('path', { d: 'M0 .5L8 4L0 7.5z', class: 'tip', fill: 'context-stroke' }));
tips.append(marker);
main.prepend(tips);

const isShown = body => body.checkVisibility();
draw = () => {
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
      const [first] = body.entering.values();
      if (!first) return [body, 0];
      const [inner, outer] = [first, body.parentElement].map(element => element.getBoundingClientRect());
      return [body, outer.left + outer.width / 2 - inner.left - inner.width / 2];
    });
    for (const [body, lean] of leans) {
      if (Math.abs(lean) > 1) body.style.padding = lean > 0 ? `0 0 0 ${2 * lean}px` : `0 ${-2 * lean}px 0 0`;
    }
  }
  bodies.forEach(drawBody);
};
