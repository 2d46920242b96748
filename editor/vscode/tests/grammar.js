// The TextMate grammar on every spec of some folders: each sign has a scope of its own, comments and strings end where the
// language ends them, and every declaration is seen as one. `node tests/grammar.js ../../models`

const fs = require('fs');
const path = require('path');
const oniguruma = require('vscode-oniguruma');
const textmate = require('vscode-textmate');

const GRAMMAR = path.join(__dirname, '..', 'syntaxes', 'cnn.tmLanguage.json');

function specs(place) {
  if (fs.statSync(place).isFile()) return place.endsWith('.cnn') ? [place] : [];
  return fs.readdirSync(place).flatMap((name) => specs(path.join(place, name)));
}

async function grammar() {
  const wasm = fs.readFileSync(require.resolve('vscode-oniguruma/release/onig.wasm'));
  await oniguruma.loadWASM(wasm.buffer.slice(wasm.byteOffset, wasm.byteOffset + wasm.byteLength));
  const registry = new textmate.Registry({
    onigLib: Promise.resolve({
      createOnigScanner: (sources) => new oniguruma.OnigScanner(sources),
      createOnigString: (text) => new oniguruma.OnigString(text),
    }),
    loadGrammar: async () => textmate.parseRawGrammar(fs.readFileSync(GRAMMAR, 'utf8'), GRAMMAR),
  });
  return registry.loadGrammar('source.cnn');
}

/** Where a comment begins in a line, strings left out; the line's end where there is none. */
function comment(line) {
  let quoted = false;
  for (let place = 0; place < line.length; place += 1) {
    if (line[place] === '"') quoted = !quoted;
    if (line[place] === '#' && !quoted) return place;
  }
  return line.length;
}

function faults(read, file) {
  const found = [];
  let state = textmate.INITIAL;
  fs.readFileSync(file, 'utf8').split(/\r?\n/).forEach((line, number) => {
    const { tokens, ruleStack } = read.tokenizeLine(line, state);
    state = ruleStack;
    const fault = (what) => found.push(`${file}:${number + 1}: ${what}: ${line}`);
    if (ruleStack.depth !== 1) fault('a string goes on past its line');
    const start = comment(line);
    for (const token of tokens) {
      const text = line.slice(token.startIndex, token.endIndex);
      if (text.trim() && token.scopes.length < 2) fault(`\`${text}\` has no scope`);
      const isComment = token.scopes.some((scope) => scope.startsWith('comment.'));
      if (text.trim() && isComment !== token.startIndex >= start) fault(`\`${text}\` is taken for a comment, or is one`);
    }
    const declared = /^(model|block) (\w+)/.exec(line);
    const named = tokens.some((token) => token.scopes.includes('entity.name.class.cnn'));
    if (named !== Boolean(declared)) fault('a declaration, or none');
  });
  return found;
}

grammar().then((read) => {
  const files = process.argv.slice(2).flatMap(specs);
  const found = files.flatMap((file) => faults(read, file));
  if (!files.length) found.push('there are no specs');
  found.forEach((fault) => console.error(fault));
  console.log(`${files.length} specs, ${found.length} faults`);
  process.exitCode = found.length ? 1 : 0;
});
