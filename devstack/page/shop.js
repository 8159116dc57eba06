/** Buys the demo program: quote, order, Razorpay's checkout, verification, and the order as it is pushed. */

import { newNonce } from "/dev/page/command.js";

const $ = (id) => document.getElementById(id);

const STATES = {
  created: "The payment service has not confirmed the order yet. Press Buy once more.",
  open: "The order can be paid.",
  confirming: "Confirming with your bank. This may take up to three days.",
  paid: "Paid.",
  expired: "The time to pay is over.",
  cancelled: "The order was cancelled.",
  refunded: "The money went back.",
};

export class Shop {
  #program;
  #script;
  #token;
  #order = null;
  // Kept until the order is answered, so that a repeat is the same order.
  #key = null;

  /** `script` is where Razorpay's checkout.js is; `token` is an async function. */
  constructor({ program, coupon, script, token }) {
    this.#program = program;
    this.#script = script;
    this.#token = token;
    $("coupon").placeholder = coupon;
    $("shop-open").onclick = () => this.open();
    $("shop-close").onclick = () => $("shop").close();
    $("shop-form").onsubmit = (event) => {
      event.preventDefault();
      this.#busy(() => (event.submitter?.id === "buy" ? this.#buy() : this.#quote()));
    };
  }

  open() {
    $("shop").showModal();
    this.#busy(() => this.#quote());
  }

  /** Another user came: what is shown is not theirs. */
  forget() {
    this.#order = this.#key = null;
    $("order").textContent = "";
    delete $("order").dataset.state;
    if ($("shop").open) $("shop").close();
  }

  /** A push of the user's own room. */
  take(push) {
    if (push.push === "payments.order") this.#show(push.data);
  }

  /** The connection is back: what was pushed meanwhile is read. */
  async refresh() {
    if (this.#order) await this.#request("GET", `payments/orders/${this.#order.id}`).then((order) => this.#show(order), () => {});
  }

  async #quote() {
    const quote = await this.#request("POST", "payments/quote", { program_id: this.#program, coupon: $("coupon").value.trim() });
    $("shop-program").textContent = quote.title;
    const off = quote.discount ? `${money(quote.price, quote.currency)} less ${money(quote.discount, quote.currency)} is ` : "";
    $("price").textContent = `${off}${money(quote.amount, quote.currency)}`;
  }

  async #buy() {
    const body = { program_id: this.#program, coupon: $("coupon").value.trim() };
    this.#key ??= newNonce();
    const checkout = await this.#request("POST", "payments/orders", body, { "Idempotency-Key": this.#key });
    this.#key = null;
    this.#show(checkout.order);
    if (checkout.vendor_order_id) await this.#checkOut(checkout);
  }

  async #checkOut(checkout) {
    await load(this.#script);
    const razorpay = new window.Razorpay({
      key: checkout.key_id,
      order_id: checkout.vendor_order_id,
      amount: checkout.amount,
      currency: checkout.currency,
      name: checkout.name,
      description: checkout.description,
      prefill: checkout.prefill,
      timeout: checkout.timeout,
      handler: (response) => this.#busy(() => this.#verify(response)),
      modal: { ondismiss: () => this.#say("The checkout was closed.") },
    });
    razorpay.on("payment.failed", ({ error }) => this.#say(`The payment failed: ${error.description}`));
    razorpay.open();
  }

  async #verify(response) {
    this.#show(await this.#request("POST", "payments/verify", response));
  }

  /** Pushes and answers may come in any order: an older one changes nothing. */
  #show(order) {
    if (this.#order?.id === order.id && order.rev <= this.#order.rev) return;
    this.#order = order;
    $("order").dataset.state = order.state;
    $("order").textContent = STATES[order.state] ?? order.state;
    if (order.state === "paid") this.#busy(() => this.#enrolled());
  }

  /** The place follows the payment a moment later. */
  async #enrolled() {
    for (let pause = 200; pause < 7_000; pause *= 2) {
      const enrolment = await this.#request("GET", `programs/${this.#program}/enrolment`).catch(() => null);
      if (enrolment?.state === "enrolled") {
        $("order").textContent = "Paid. You are enrolled.";
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }

  async #request(method, path, body, headers = {}) {
    const answer = await fetch(`/api/v1/${path}`, {
      method,
      headers: { Authorization: `Bearer ${await this.#token()}`, ...(body && { "Content-Type": "application/json" }), ...headers },
      ...(body && { body: JSON.stringify(body) }),
    });
    const result = await answer.json();
    if (!answer.ok) {
      // With a refused order the next one is another.
      if (answer.status < 500) this.#key = null;
      throw new Error(result.detail);
    }
    return result;
  }

  async #busy(act) {
    this.#say("");
    $("buy").disabled = $("quote").disabled = true;
    try {
      await act();
    } catch (error) {
      this.#say(error.message);
    }
    $("buy").disabled = $("quote").disabled = false;
  }

  #say(text) {
    $("shop-note").textContent = text;
  }
}

/** `amount` is in minor units. */
function money(amount, currency) {
  const format = new Intl.NumberFormat("en-IN", { style: "currency", currency });
  return format.format(amount / 10 ** format.resolvedOptions().maximumFractionDigits);
}

function load(source) {
  if (window.Razorpay) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = source;
    script.onload = resolve;
    script.onerror = () => reject(new Error(`The checkout does not load from ${source}.`));
    document.head.append(script);
  });
}
