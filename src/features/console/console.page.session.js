// Who it is. The token stays in the memory of this page.

import { Refused } from './api.js';
import { Field } from './dialog.js';
import { Component, html } from './markup.js';
import { Problem } from './parts.js';
import { t } from './words.js';

// A header of HTTP has no others, and `fetch` sends none that has.
const sendable = /^[\x21-\x7e]+$/;

/** Asks for the internal secret, or for an administrator's login. `entered(who)` is called once the server has let somebody in. */
export class SignIn extends Component {
  state = { way: 'secret', secret: '', email: '', password: '' };

  async #submit(event) {
    event.preventDefault();
    const { api, entered } = this.props;
    const { way, secret, email, password, busy } = this.state;
    if (busy) return;
    if (way === 'secret' && !sendable.test(secret.trim())) return this.setState({ wrong: 'secret', error: undefined });
    this.setState({ busy: true, error: undefined });
    try {
      const token = way === 'secret' ? secret.trim() : await api.logIn(email.trim(), password);
      api.signIn(token);
      entered(way === 'secret' ? t('who.secret') : email.trim(), await api.stats());
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      // A player's, say: it is of no use here.
      api.signIn(undefined);
      this.setState({ busy: false, error });
    }
  }

  render({ why }, { way, error, busy }) {
    const { state } = this;
    const field = (name, type, autocomplete) =>
      html`<${Field}
        key=${name}
        label=${t(`sign.${name}`)}
        type=${type}
        autocomplete=${autocomplete}
        required
        value=${state[name]}
        wrong=${state.wrong === name && t('sign.letters')}
        change=${(value) => this.setState({ [name]: value, wrong: undefined })}
      />`;
    return html`<form class="card sign stack" onSubmit=${(event) => this.#submit(event)}>
      <h1 tabindex="-1">${t('sign.title')}</h1>
      ${why && !error && html`<p class="problem" role="alert">${t(why)}</p>`}
      <fieldset class="ways">
        <legend>${t('sign.way')}</legend>
        ${['secret', 'login'].map(
          (each) => html`<label>
            <input type="radio" name="way" checked=${way === each} onChange=${() => this.setState({ way: each, error: undefined, wrong: undefined })} />
            ${t(`sign.way.${each}`)}
          </label>`,
        )}
      </fieldset>
      ${way === 'secret' && field('secret', 'password', 'off')}
      ${way === 'login' && field('email', 'email', 'username')}
      ${way === 'login' && field('password', 'password', 'current-password')}
      ${error && html`<${Problem} error=${known(error, way)} />`}
      <button class="primary" aria-disabled=${busy ? 'true' : 'false'}>${t('sign.enter')}</button>
      <p class="hint">${t('sign.kept')}</p>
    </form>`;
  }
}

/** What the same refusal means at this door. */
function known(error, way) {
  const code = { token_invalid: `sign_${way}`, forbidden: 'sign_forbidden' }[error.code];
  return code ? { ...error, fields: error.fields, trace: '', code } : error;
}
