/** Scalar type of a uniform. */
export type UniformType = "u32" | "i32" | "f32";

/**
 * A compute shader of ours with names for what it binds. One object is one pipeline, so programs are made once (see
 * {@link variants}) and sizes come in as uniforms.
 */
export interface Program<R extends string = string, W extends string = string, U extends string = string> {
  readonly name: string;
  /** Buffers that it reads: name → element type. */
  readonly reads: Readonly<Record<R, string>>;
  /** Buffers that it writes, or reads and writes. */
  readonly writes: Readonly<Record<W, string>>;
  /** Members of the uniform `u`. */
  readonly uniforms: Readonly<Record<U, UniformType>>;
  /** Functions, workgroup variables and the entry point `main`. */
  readonly wgsl: () => string;
}

/** The element that a thread handles at once: four neighbouring channels, or one where their number is no multiple. */
export type Lane = "vec4f" | "f32";

/** Elements in a {@link Lane}. */
export function laneWidth(lane: Lane): 4 | 1 {
  return lane === "vec4f" ? 4 : 1;
}

/** The widest lane that divides all of the sizes. */
export function laneOf(...sizes: readonly number[]): Lane {
  return sizes.every((size) => size % 4 === 0) ? "vec4f" : "f32";
}

/** The widest lane for a number of channels, and how many of them there are. */
export function lanesOf(channels: number): { readonly lane: Lane; readonly lanes: number } {
  const lane = laneOf(channels);
  return { lane, lanes: channels / laneWidth(lane) };
}

/** The whole shader of a program. */
export function shaderOf({ reads, writes, uniforms, wgsl }: Program): string {
  const buffers = [
    ...Object.entries(reads).map(([name, type]) => [name, "read", type] as const),
    ...Object.entries(writes).map(([name, type]) => [name, "read_write", type] as const),
  ];
  const bindings = buffers.map(
    ([name, access, type], index) => `@group(0) @binding(${index}) var<storage, ${access}> ${name}: array<${type}>;`,
  );
  const members = Object.entries(uniforms).map(([name, type]) => `  ${name}: ${type},`);
  const uniform =
    members.length === 0
      ? []
      : [
          `struct Uniforms {\n${members.join("\n")}\n}`,
          `@group(0) @binding(${buffers.length}) var<uniform> u: Uniforms;`,
        ];
  return [...bindings, ...uniform, wgsl()].join("\n");
}

/** Makes each variant of a program once. */
export function variants<A extends readonly (string | number | boolean)[], P extends Program>(
  make: (...options: A) => P,
): (...options: A) => P {
  const made = new Map<string, P>();
  return (...options) => {
    const key = options.join();
    const known = made.get(key);
    if (known !== undefined) return known;
    const program = make(...options);
    made.set(key, program);
    return program;
  };
}
