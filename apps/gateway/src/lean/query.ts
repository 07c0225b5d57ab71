/** Needs no decoding, and so no parser: everything that a stock client asks for. */
const plain = /^[\w.~=&-]*$/;

/**
 * The parameters of a URL by name. Of a name that comes several times Engine.IO takes the last; channels are a list, which is
 * joined by commas.
 */
export function queryOf(url = ""): Record<string, string> {
  const mark = url.indexOf("?");
  const text = mark === -1 ? "" : url.slice(mark + 1);
  if (plain.test(text) && !text.includes("channel=")) {
    return Object.fromEntries(text.split("&").filter(Boolean).map(nameAndValue));
  }
  const parameters = new URLSearchParams(text);
  const query = Object.fromEntries(parameters);
  if (query.channel !== undefined) query.channel = parameters.getAll("channel").join(",");
  return query;
}

function nameAndValue(text: string): [name: string, value: string] {
  const equals = text.indexOf("=");
  return equals === -1 ? [text, ""] : [text.slice(0, equals), text.slice(equals + 1)];
}
