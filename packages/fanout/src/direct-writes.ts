import { Socket as TcpSocket } from "node:net";
import { TLSSocket } from "node:tls";

/*
 * Node's TCP sockets as seen from inside (node lib/net.js, lib/internal/stream_base_commons.js, src/stream_base.cc; the same
 * in Node 20 to 24). A write to a stream makes a request object, two closures and a turn of the stream's own accounts, which
 * together cost a third of what the system call does; the handle below takes bytes for the price of the call. All of this is
 * private: whatever is not found as it is described here leaves the stream to do the writing.
 */

/** What the handle says of a write that it could not finish at once. It stays with the handle until then. */
interface WriteRequest {
  /** Keeps the bytes alive while the system has not taken them. */
  buffer: Uint8Array | null;
  oncomplete: (status: number) => void;
}

/** `TCP` and `Pipe` of Node's bindings. */
interface StreamHandle {
  /** Writes as much as the system takes at once and queues the rest. Answers with a negative number when it failed. */
  writeBuffer(request: WriteRequest, bytes: Uint8Array): number;
  /** What it was ever given, and what of that is queued. */
  readonly bytesWritten?: number;
  readonly writeQueueSize?: number;
}

/** `process.binding("stream_wrap")`. */
interface StreamBinding {
  readonly WriteWrap: new () => WriteRequest;
  /** The outcome of the last write of this thread, at the places that follow. */
  readonly streamBaseState: Int32Array;
  readonly kLastWriteWasAsync: number;
}

interface Inside {
  readonly _handle?: StreamHandle | null;
}

const handleNames: readonly unknown[] = ["TCP", "Pipe"];

/** Whoever wants to know when the system has taken the rest of a write. */
export interface Landing {
  landed(): void;
}

/** Writes to TCP sockets below their streams. Never while the stream itself has something to write. */
export class DirectWrites {
  readonly #binding: StreamBinding;
  /** Given to every write, for only one that is not finished at once keeps it. */
  #request: WriteRequest;

  private constructor(binding: StreamBinding) {
    this.#binding = binding;
    this.#request = new binding.WriteWrap();
  }

  /** Undefined where Node does not look as described above, or does not let itself be looked into. */
  static find(): DirectWrites | undefined {
    const { binding } = process as unknown as { readonly binding?: (name: string) => Partial<StreamBinding> };
    try {
      // Deprecated by the documentation (DEP0111), and refused under Node's permission model.
      const found = binding?.call(process, "stream_wrap");
      return isComplete(found) ? new DirectWrites(found) : undefined;
    } catch {
      return undefined;
    }
  }

  /** Whether a socket can be written to: TLS has to encrypt first, and what is no socket of the system has no handle. */
  reach(socket: TcpSocket): boolean {
    const { _handle: handle } = socket as unknown as Inside;
    if (!(socket instanceof TcpSocket) || socket instanceof TLSSocket || handle == null) return false;
    return handleNames.includes(handle.constructor.name) && typeof handle.writeBuffer === "function";
  }

  /** How many bytes the system has ever taken from a socket within {@link reach}; undefined where Node does not say. */
  takenBytes(socket: TcpSocket): number | undefined {
    const { bytesWritten, writeQueueSize } = (socket as unknown as Inside)._handle ?? {};
    return bytesWritten === undefined || writeQueueSize === undefined ? undefined : bytesWritten - writeQueueSize;
  }

  /**
   * Writes all of the bytes, and answers how many of them count as not yet taken by the system: none, or all, until
   * {@link Landing.landed} is called. Undefined when nothing was written, and the stream shall find out why. The socket MUST
   * be within {@link reach}, its stream MUST have nothing to write, and what this left MUST have landed.
   */
  write(socket: TcpSocket, bytes: Uint8Array, landing: Landing): number | undefined {
    const { _handle: handle } = socket as unknown as Inside;
    if (handle == null) return undefined;
    const request = this.#request;
    const { streamBaseState, kLastWriteWasAsync } = this.#binding;
    if (handle.writeBuffer(request, bytes) !== 0) return undefined;
    if (streamBaseState[kLastWriteWasAsync] === 0) return 0;
    this.#request = new this.#binding.WriteWrap();
    request.buffer = bytes;
    request.oncomplete = (status) => {
      request.buffer = null;
      landing.landed();
      // The stream would do the same: nobody can say how much of the last frame has arrived.
      if (status < 0) socket.destroy();
    };
    return bytes.length;
  }
}

function isComplete(binding: Partial<StreamBinding> | undefined): binding is StreamBinding {
  return (
    typeof binding?.WriteWrap === "function" &&
    binding.streamBaseState instanceof Int32Array &&
    typeof binding.kLastWriteWasAsync === "number" &&
    binding.kLastWriteWasAsync < binding.streamBaseState.length
  );
}
