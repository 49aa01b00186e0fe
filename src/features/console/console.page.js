// The console of operators: it makes the calls that everybody makes, with the rights of whoever signs in.

import { App } from './app.js';
import { html, render } from './markup.js';

render(html`<${App} />`, document.getElementById('console'));
