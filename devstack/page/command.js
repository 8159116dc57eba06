/** What every command has: an error, should it come to that, and a nonce that makes a repeat harmless. */

export class CommandFailed extends Error {
  constructor({ code, message, temporary = false, retry_after = null }) {
    super(message);
    this.code = code;
    this.temporary = temporary;
    this.retryAfter = retry_after === null ? null : retry_after * 1000;
  }
}

/** What a caller is told when no reply came: the command may have been carried out. */
export const unanswered = (message) => new CommandFailed({ code: "unavailable", message, temporary: true });

/** Works on plain http too, where `crypto.randomUUID` does not. */
export function newNonce() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
