// A child whose native library crashes.
process.on("message", () => {
  process.stderr.write("native: assertion failed\n", () => process.kill(process.pid, "SIGABRT"));
});
