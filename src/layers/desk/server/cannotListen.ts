import { HttpServerError } from "effect/http"
import { ConfigError } from "../../../config/RunConfig.ts"

const codeOf = ({ cause }: HttpServerError.ServeError): string =>
  cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : ""

/** By the code of the system call. Source: POSIX.1-2024, errno.h, and getaddrinfo's, as Node has them. */
const faults: Readonly<Record<string, readonly ["--host" | "--port", string]>> = {
  EACCES: ["--port", "you may not listen there: ports below 1024 are mostly the administrator's; name another one"],
  EADDRINUSE: [
    "--port",
    "another program listens there already, such as an earlier weft serve; end it, name another port, or 0 for a free one"
  ],
  EADDRNOTAVAIL: ["--host", "this machine has no such address; 0.0.0.0 stands for all that it has"],
  EAFNOSUPPORT: ["--host", "this machine has no addresses of this kind; 0.0.0.0 stands for all that it has"],
  EAI_AGAIN: ["--host", "this name cannot be looked up; correct it, or name an address of this machine"],
  ENOTFOUND: ["--host", "there is no such name; correct it, or name an address of this machine"]
}

/** Why nobody can reach a server at the host and port that were named, and what to write instead. */
export const cannotListen = (
  { host, port }: { readonly host: string; readonly port: number },
  error: HttpServerError.ServeError
): ConfigError => {
  const [flag, detail] = faults[codeOf(error)] ?? [undefined, `the server cannot listen there: ${String(error.cause)}`]
  const where =
    flag === undefined ? `--host ${host} --port ${port}` : flag === "--host" ? `--host ${host}` : `--port ${port}`
  return new ConfigError({ where, problems: [detail] })
}
