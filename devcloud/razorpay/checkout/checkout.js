/**
 * The stand-in for https://checkout.razorpay.com/v1/checkout.js: `new Razorpay(options).open()`.
 *
 * The customer pays in a frame from where this script came; the merchant's page gets what Razorpay's own script hands
 * over. Of the options these matter: key, order_id, name, description, prefill, handler, callback_url, redirect, timeout,
 * modal.ondismiss, modal.escape, retry.enabled. Events of `on`: payment.failed.
 */
(() => {
  const script = new URL(document.currentScript.src);
  const frameUrl = new URL("checkout", script);

  /** Post what came of it to the merchant's address, as a form does. */
  function post(url, fields) {
    const form = document.createElement("form");
    form.method = "post";
    form.action = url;
    for (const [name, value] of Object.entries(fields)) {
      const input = document.createElement("input");
      input.type = "hidden";
      input.name = name;
      input.value = value;
      form.append(input);
    }
    document.body.append(form);
    form.submit();
  }

  class Razorpay {
    #options;
    #listeners = new Map();
    #dialog = null;
    #frame = null;
    #timer = 0;

    constructor(options) {
      if (!options?.key) throw new Error("No key passed");
      if (!options.order_id) throw new Error("The stand-in needs an order_id");
      this.#options = options;
    }

    on(event, listener) {
      this.#listeners.set(event, [...(this.#listeners.get(event) ?? []), listener]);
      return this;
    }

    open() {
      if (this.#dialog) return;
      const { key, order_id, name = "", description = "", prefill = {}, retry, timeout } = this.#options;
      const query = new URLSearchParams({ order_id, key_id: key, name, description, origin: location.origin });
      for (const field of ["name", "email", "contact", "method"]) if (prefill[field]) query.set(`prefill_${field}`, prefill[field]);
      if (retry === false || retry?.enabled === false) query.set("retry", "no");
      const frame = document.createElement("iframe");
      frame.src = `${frameUrl}?${query}`;
      frame.title = "Checkout";
      Object.assign(frame.style, { display: "block", width: "100%", height: "100%", border: "0" });
      const dialog = document.createElement("dialog");
      dialog.setAttribute("aria-label", "Checkout");
      Object.assign(dialog.style, {
        width: "min(26rem, 100vw)",
        height: "min(44rem, 100dvh)",
        maxWidth: "100vw",
        maxHeight: "100dvh",
        padding: "0",
        border: "0",
        borderRadius: "12px",
        overflow: "hidden",
      });
      dialog.oncancel = (event) => {
        event.preventDefault();
        if (this.#options.modal?.escape !== false) this.#dismiss();
      };
      dialog.append(frame);
      document.body.append(dialog);
      this.#dialog = dialog;
      this.#frame = frame;
      addEventListener("message", this.#take);
      dialog.showModal();
      if (timeout) this.#timer = setTimeout(() => this.#dismiss(), timeout * 1000);
    }

    close() {
      if (this.#dialog) this.#dismiss();
    }

    #take = ({ source, origin, data }) => {
      if (!this.#frame || source !== this.#frame.contentWindow || origin !== script.origin) return;
      const { callback_url, redirect, handler } = this.#options;
      switch (data.event) {
        case "success":
          this.#remove();
          if (callback_url && (redirect || !handler)) post(callback_url, data.response);
          else handler?.(data.response);
          break;
        case "failed":
          for (const listener of this.#listeners.get("payment.failed") ?? []) listener({ error: data.error });
          if (callback_url && redirect) {
            const { metadata, ...error } = data.error;
            const fields = Object.entries({ ...error, metadata: JSON.stringify(metadata) });
            this.#remove();
            post(callback_url, Object.fromEntries(fields.map(([name, value]) => [`error[${name}]`, value])));
          }
          break;
        case "dismiss":
          if (!data.escape || this.#options.modal?.escape !== false) this.#dismiss();
          break;
        case "vanish":
          // As if the tab were closed: nothing of the merchant's page runs.
          this.#remove();
      }
    };

    #dismiss() {
      this.#remove();
      this.#options.modal?.ondismiss?.();
    }

    #remove() {
      clearTimeout(this.#timer);
      removeEventListener("message", this.#take);
      this.#dialog?.close();
      this.#dialog?.remove();
      this.#dialog = this.#frame = null;
    }
  }

  window.Razorpay = Razorpay;
})();
