import type { ComponentChildren } from "preact";
import { hrefOf } from "../routes.ts";
import type { Act } from "./use-act.ts";

type Children = { readonly children?: ComponentChildren };

/** A part of a view, with a heading. */
export function Card({
  title,
  aside,
  children,
  kind = "",
}: Children & { title: string; aside?: ComponentChildren; kind?: string }) {
  return (
    <section class={`card ${kind}`} aria-label={title}>
      <div class="card-head">
        <h2>{title}</h2>
        {aside}
      </div>
      {children}
    </section>
  );
}

/** What was chosen of a list, beside it; on a phone in its place. */
export function Item({ name, list, children }: Children & { name: string; list: string }) {
  return (
    <article class="item" aria-label={name}>
      <div class="title">
        <h2 class="mono">{name}</h2>
        <a class="back" href={hrefOf(list)}>
          Close
        </a>
      </div>
      {children}
    </article>
  );
}

/** A name and a value; values of code are set in the fixed-width face. */
export function Fact({ name, testId, children }: Children & { name: string; testId?: string | undefined }) {
  return (
    <div>
      <dt>{name}</dt>
      {/* What does not fit is cut; the pointer shows it. */}
      <dd data-testid={testId} title={typeof children === "string" ? children : undefined}>
        {children}
      </dd>
    </div>
  );
}

export function Facts({ of, children }: Children & { of: readonly (readonly [name: string, value: string])[] }) {
  return (
    <dl class="facts">
      {of.map(([name, value]) => (
        <Fact key={name} name={name}>
          {value}
        </Fact>
      ))}
      {children}
    </dl>
  );
}

export function Field({ name, children }: Children & { name: string }) {
  return (
    // biome-ignore lint/a11y/noLabelWithoutControl: the control is its child
    <label class="field">
      <span>{name}</span>
      {children}
    </label>
  );
}

/** What became of what was asked for, spoken when it changes. */
export function Said({ act }: { act: Act }) {
  return (
    <p class="said" role="status" data-failed={act.failed}>
      {act.busy ? "…" : act.said}
    </p>
  );
}

/** Why there is nothing, or nothing new, to show. */
export function Problem({ what }: { what: string | undefined }) {
  return what === undefined ? null : (
    <p class="said" role="alert" data-failed={true}>
      {what}
    </p>
  );
}

export function MissingNodes({ nodes }: { nodes: readonly string[] | undefined }) {
  return nodes === undefined || nodes.length === 0 ? null : (
    <p class="said" role="status">
      Not all of {nodes.join(", ")} is known at the moment.
    </p>
  );
}

/** A state in one word; the tone is told by the word too. */
export function Tag({ tone = "", children }: Children & { tone?: "good" | "bad" | "" }) {
  return (
    <span class="tag" data-tone={tone}>
      {children}
    </span>
  );
}
