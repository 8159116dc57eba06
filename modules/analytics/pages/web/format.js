/** Figures, days and moments as readers in India write them. */

import { preferences } from "/dashboards/preferences.js";

const locale = () => `${preferences.language}-IN-u-nu-latn`;
const formats = new Map();

function format(kind, options) {
  const key = `${kind.name}|${locale()}|${JSON.stringify(options)}`;
  if (!formats.has(key)) formats.set(key, new kind(locale(), options));
  return formats.get(key);
}

const numbers = (options) => format(Intl.NumberFormat, options);
// A day is a date of the platform's zone, not a moment of the reader's.
const days = (options) => format(Intl.DateTimeFormat, { timeZone: "UTC", ...options });

export const count = (value) => numbers({ maximumFractionDigits: 1 }).format(value);
const unit = (value, name) => numbers({ style: "unit", unit: name, unitDisplay: "short", maximumFractionDigits: 1 }).format(value);

export function money(minor, currency) {
  const digits = numbers({ style: "currency", currency }).resolvedOptions().maximumFractionDigits;
  const whole = minor % 10 ** digits === 0 ? { minimumFractionDigits: 0 } : {};
  return numbers({ style: "currency", currency, ...whole }).format(minor / 10 ** digits);
}

function duration(seconds) {
  const parts = [];
  const minutes = Math.round(seconds / 60);
  if (Math.abs(seconds) < 60) return unit(seconds, "second");
  if (minutes >= 2_880) return [unit(Math.floor(minutes / 1_440), "day"), minutes % 1_440 >= 60 && unit(Math.floor((minutes % 1_440) / 60), "hour")].filter(Boolean).join(" ");
  if (minutes >= 60) parts.push(unit(Math.floor(minutes / 60), "hour"));
  if (minutes % 60 || minutes < 60) parts.push(unit(minutes % 60, "minute"));
  return parts.join(" ");
}

/** A value in the unit of its measure. Money is minor units; a ratio is a share of 1. */
export function value(number, kind, currency = "INR") {
  if (number === null || number === undefined) return "–";
  switch (kind) {
    case "ratio": return numbers({ style: "percent", maximumFractionDigits: 1 }).format(number);
    case "seconds": return duration(number);
    case "milliseconds": return number < 1_000 ? unit(number, "millisecond") : unit(number / 1_000, "second");
    case "money": return money(number, currency);
    case "stars": return `${numbers({ maximumFractionDigits: 2 }).format(number)} ★`;
    default: return count(number);
  }
}

/** The same for the marks of an axis, where room is short. */
export function mark(number, kind, currency = "INR") {
  if (kind === "money") {
    const digits = numbers({ style: "currency", currency }).resolvedOptions().maximumFractionDigits;
    return numbers({ style: "currency", currency, notation: "compact", maximumFractionDigits: 1, minimumFractionDigits: 0 }).format(number / 10 ** digits);
  }
  if (kind === "count") return numbers({ notation: "compact", maximumFractionDigits: 1 }).format(number);
  if (kind === "stars") return count(number);
  return value(number, kind, currency);
}

/** How far two values of a unit are apart: ratios in points of a hundred. */
export function difference(number, kind, points, currency) {
  const size = Math.abs(number);
  if (kind === "ratio") return points(numbers({ maximumFractionDigits: 1 }).format(size * 100));
  return value(size, kind, currency);
}

const DATE = /^\d{4}-\d{2}-\d{2}$/;

/** `2026-12-01` as a day, a week or a month. */
export function day(text, step = "day") {
  if (!DATE.test(text)) return text;
  const date = new Date(`${text}T00:00:00Z`);
  if (step === "month") return days({ month: "short", year: "numeric" }).format(date);
  return days({ day: "numeric", month: "short" }).format(date);
}

export function longDay(text) {
  return DATE.test(text) ? days({ weekday: "short", day: "numeric", month: "short", year: "numeric" }).format(new Date(`${text}T00:00:00Z`)) : text;
}

/** A moment, in the platform's zone. */
export function moment(text, zone) {
  const date = new Date(text);
  return format(Intl.DateTimeFormat, { dateStyle: "medium", timeStyle: "short", ...(zone && { timeZone: zone }) }).format(date);
}

export function clock(text, zone) {
  return format(Intl.DateTimeFormat, { timeStyle: "short", ...(zone && { timeZone: zone }) }).format(new Date(text));
}
