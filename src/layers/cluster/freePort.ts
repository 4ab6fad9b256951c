import { Effect } from "effect"
import { createServer } from "node:net"
import { ConfigError } from "../../config/RunConfig.ts"

/** A free port at an address of this machine. */
export const freePort = (host: string) =>
  Effect.callback<number, ConfigError>((resume) => {
    const server = createServer()
    server.once("error", (error) =>
      resume(
        Effect.fail(
          new ConfigError({
            where: `--host ${host}`,
            problems: [`this machine cannot be reached there: ${error.message}`]
          })
        )
      )
    )
    server.listen(0, host, () => {
      const address = server.address()
      // For a server on a host and a port, the address is an object.
      const port = typeof address === "object" && address !== null ? address.port : 0
      server.close(() => resume(Effect.succeed(port)))
    })
    return Effect.sync(() => server.close())
  })
