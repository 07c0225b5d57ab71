import type { Status } from "../feed-state.ts";

/** The shape differs too, for those who do not tell the colours apart. */
const shapes: Record<Status, string> = {
  Connected: "M6 12.5l4 4 8-9",
  Closed: "M6 12h12",
  Error: "M12 5v9M12 18.5v.5",
};

export function StatusPill({ status, detail }: { status: Status; detail: string }) {
  return (
    <div class="status" data-status={status}>
      {detail !== "" && <span class="detail">{detail}</span>}
      <span class="pill">
        <svg viewBox="0 0 24 24" aria-hidden="true">
          <path d={shapes[status]} />
        </svg>
        <span role="status" data-testid="status">
          {status}
        </span>
      </span>
    </div>
  );
}
