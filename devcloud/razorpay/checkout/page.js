/** The checkout's page: does what a button says with the order, and tells the merchant's page around it. */

const main = document.querySelector("main");
const form = document.getElementById("pay");
const note = document.getElementById("note");
const { order, origin, retry, callback } = main?.dataset ?? {};

/** To `checkout.js` in the page around; alone in its tab the page goes to the callback by itself. */
function tell(event, detail = {}) {
  if (window.parent !== window) return void window.parent.postMessage({ event, ...detail }, origin || "*");
  if (event === "success" && callback) return leave(detail.response);
  if (event === "success") show("Paid.");
  if (event === "dismiss" || event === "vanish") {
    form.hidden = true;
    show("This tab may be closed.");
  }
}

function leave(fields) {
  const out = document.createElement("form");
  out.method = "post";
  out.action = callback;
  for (const [name, value] of Object.entries(fields)) {
    const input = document.createElement("input");
    Object.assign(input, { type: "hidden", name, value });
    out.append(input);
  }
  document.body.append(out);
  out.submit();
}

const show = (text) => (note.textContent = text);

/** What the control endpoint `pay` is asked for by a button. */
function wanted(chosen) {
  const { method, email, contact, after } = Object.fromEntries(new FormData(form));
  const request = { order_id: order, method, ...(email && { email }), ...(contact && { contact }) };
  if (chosen === "twice") return { ...request, times: 2 };
  if (chosen === "closed") return { ...request, closed: true };
  return { ...request, outcome: chosen, ...(chosen.startsWith("late") && { after: Number(after) }) };
}

async function pay(chosen) {
  const answer = await fetch("/_devcloud/razorpay/pay", { method: "POST", body: JSON.stringify(wanted(chosen)) });
  const paid = await answer.json();
  if (!answer.ok) return show(paid.message);
  if (chosen === "closed") return tell("vanish");
  for (const tab of paid.handed_over) {
    if (tab.error) {
      tell("failed", { error: tab.error });
      show(`${tab.error.description}. ${retry === "no" ? "" : "Try again, or close the checkout."}`);
      if (retry === "no") tell("dismiss");
    } else if (tab.razorpay_signature) return tell("success", { response: tab });
  }
  if (chosen.startsWith("late")) {
    const hours = Number(form.elements.after.value) / 3600;
    show(`The bank has not confirmed it yet. It does after: ksmp devcloud razorpay advance ${hours}h`);
    form.hidden = true;
  }
}

if (form) {
  form.onsubmit = async (event) => {
    event.preventDefault();
    const buttons = form.querySelectorAll("button");
    for (const button of buttons) button.disabled = true;
    try {
      await pay(event.submitter?.value ?? "success");
    } catch (error) {
      show(`The stand-in does not answer: ${error.message}`);
    }
    for (const button of buttons) button.disabled = false;
  };
}
document.getElementById("close").onclick = () => tell("dismiss");
addEventListener("keydown", (event) => event.key === "Escape" && tell("dismiss", { escape: true }));
