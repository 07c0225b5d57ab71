const partners: Readonly<Record<string, string>> = { ")": "(", "]": "[", "}": "{" };

/** What does not match among brackets and quotes of a program, or nothing. Comments go to the end of their line. */
export function balanced(code: string, comment: string): string | undefined {
  const open: string[] = [];
  for (const [index, line] of code.split("\n").entries()) {
    const where = `line ${index + 1} of the block`;
    const text = line.replaceAll(/"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'/g, "");
    const bare = text.split(comment)[0] ?? "";
    if (bare.includes('"')) return `${where}: a quote has no partner`;
    for (const [character] of bare.matchAll(/[()[\]{}]/g)) {
      const partner = partners[character];
      if (partner === undefined) open.push(character);
      else if (open.pop() !== partner) return `${where}: ${character} has no partner`;
    }
  }
  return open.length === 0 ? undefined : `${open.join(" ")} has no partner`;
}
