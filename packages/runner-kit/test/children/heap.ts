// A child that takes memory without end.
const kept: object[] = [];
process.on("message", () => {
  for (;;) kept.push(Array.from({ length: 1000 }, (_, index) => ({ index })));
});
