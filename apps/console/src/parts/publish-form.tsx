import type { Published } from "@fanfare/domain";
import { useState } from "preact/hooks";
import { useAsk } from "../view.ts";
import { count } from "./format.ts";
import { Card, Field, Said } from "./ui.tsx";
import { useAct } from "./use-act.ts";

/** What is wrong with a text that should be JSON; empty when it is. */
export function mistakeIn(text: string): string {
  try {
    JSON.parse(text);
    return "";
  } catch (problem) {
    return text.trim() === "" ? "Data is needed: any JSON." : `No JSON: ${(problem as Error).message}`;
  }
}

export function PublishForm({ channel }: { channel: string }) {
  const ask = useAsk();
  const act = useAct();
  const [data, setData] = useState('{ "hello": "world" }');
  const [event, setEvent] = useState("message");
  const [id, setId] = useState("");
  const mistake = mistakeIn(data);

  function publish(): void {
    const body = { channel, event, data: JSON.parse(data), ...(id === "" ? {} : { id }) };
    act.run(async () => {
      const { offset, duplicate } = await ask<Published>("POST", "/publish", body);
      return duplicate ? `Stored before, under this id, at offset ${count(offset)}.` : `Stored at offset ${count(offset)}.`;
    });
  }

  return (
    <Card title="Publish">
      <form
        class="form"
        onSubmit={(submitted) => {
          submitted.preventDefault();
          if (mistake === "") publish();
        }}
      >
        <div class="pair">
          <Field name="Event">
            <input required value={event} onInput={({ currentTarget }) => setEvent(currentTarget.value)} />
          </Field>
          <Field name="Id, so that it is never stored twice">
            <input value={id} placeholder="none" onInput={({ currentTarget }) => setId(currentTarget.value)} />
          </Field>
        </div>
        <Field name="Data, JSON">
          <textarea
            rows={3}
            spellcheck={false}
            aria-invalid={mistake !== ""}
            aria-describedby="mistake"
            value={data}
            onInput={({ currentTarget }) => setData(currentTarget.value)}
          />
        </Field>
        <div class="buttons">
          <button type="submit" class="primary" disabled={act.busy || mistake !== ""}>
            Publish
          </button>
          <p id="mistake" class="said" data-failed={true}>
            {mistake}
          </p>
          {mistake === "" && <Said act={act} />}
        </div>
      </form>
    </Card>
  );
}
