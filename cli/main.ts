import { createProgram } from "./program.ts";
import { reportAndExit } from "./report.ts";

// Whoever reads the output may stop reading, as `slipway packets <pod> | head` does: that is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});

try {
  await createProgram().parseAsync();
} catch (error) {
  reportAndExit(error);
}
