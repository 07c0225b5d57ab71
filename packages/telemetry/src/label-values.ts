const value = "[A-Za-z_-]+(?: \\([^)]*\\))?";
const list = new RegExp(`^${value}(?:, ${value})*$`);

/** The values that a label takes, where its row in the table lists them rather than describes them: else undefined. */
export function labelValues(takes: string): string[] | undefined {
  if (!list.test(takes)) return undefined;
  return takes.replace(/ \([^)]*\)/g, "").split(", ");
}

/** All combinations of the labels of a metric; undefined when one of its labels is not a list. */
export function allLabels(labels: Readonly<Record<string, string>>): Record<string, string>[] | undefined {
  let all: Record<string, string>[] = [{}];
  for (const [name, takes] of Object.entries(labels)) {
    const values = labelValues(takes);
    if (values === undefined) return undefined;
    all = all.flatMap((each) => values.map((one) => ({ ...each, [name]: one })));
  }
  return all;
}
