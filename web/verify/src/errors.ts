// What goes wrong, and whose fault it is. `code` is stable; messages say what, wanted, got, in one line.

/** Root of every error this library raises on purpose. */
export class VerifyError extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
    this.name = new.target.name;
  }
}

/** The input is not what it says it is; nothing in it may be used. */
export class Malformed extends VerifyError {
  /** The same error, said of the place in a larger input where it was found. */
  within(where: string, code = this.code): Malformed {
    return new Malformed(code, `${where}: ${this.message}`);
  }
}

/** The input is well formed and the answer is no: a proof, a signature or a rule failed. */
export class Rejected extends VerifyError {}

/** The receipt is well formed and does not hold; `step` names the first check that failed. */
export class ReceiptRejected extends Rejected {
  constructor(
    readonly step: string,
    message: string,
  ) {
    super("receipt-rejected", `${step}: ${message}`);
  }
}

/** This platform lacks what checking takes. It says nothing about the receipt. */
export class Unsupported extends VerifyError {
  constructor(message: string) {
    super("unsupported", message);
  }
}

/** Show a value of any length in at most one short piece of a line. */
export function show(text: string, most = 40): string {
  const head = [...text.slice(0, 2 * most)].slice(0, most).join("");
  return JSON.stringify(head);
}
