/** A storage binding of a shader, in the order of its tensors. */
export interface Binding {
  readonly name: string;
  readonly access: "read" | "read_write";
  /** Element type of the array that it is seen as. */
  readonly element: "f32" | "vec4f" | "i32";
}

/** A compute shader whose threads are numbered through. */
export interface Shader {
  /** Unique among all shaders: names the pipeline in the cache. */
  readonly key: string;
  readonly bindings: readonly Binding[];
  /** Fields of the uniform `p`, in order. */
  readonly params: readonly (readonly [name: string, type: "u32" | "i32" | "f32"])[];
  /** Threads of a workgroup. */
  readonly workgroupSize: number;
  /** Module-level declarations and functions. */
  readonly head?: string;
  /** Statements of `main`; `id` is the thread's number, `lane` its number in the workgroup. */
  readonly body: string;
}

/** An input that is read as float32 fours. */
export const reads = (name: string, element: Binding["element"] = "vec4f"): Binding => ({
  name,
  access: "read",
  element,
});

/** An output, or an input that is changed in place. */
export const writes = (name: string, element: Binding["element"] = "vec4f"): Binding => ({
  name,
  access: "read_write",
  element,
});

/** Statements repeated for each of `count` numbers, so that constants stay constants. */
export function unroll(count: number, statement: (index: number) => string): string {
  return Array.from({ length: count }, (_, index) => statement(index)).join("\n");
}

/** The WGSL module of a shader. */
export function wgslOf({ bindings, params, workgroupSize, head = "", body }: Shader): string {
  const buffers = bindings.map(
    ({ name, access, element }, index) =>
      `@group(0) @binding(${index}) var<storage, ${access}> ${name}: array<${element}>;`,
  );
  const fields = params.map(([name, type]) => `  ${name}: ${type},`);
  return `
${buffers.join("\n")}
struct Params {
${fields.join("\n")}
}
@group(0) @binding(${bindings.length}) var<uniform> p: Params;
${head}
@compute @workgroup_size(${workgroupSize})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let id = (group.y * groups.x + group.x) * ${workgroupSize}u + lane;
${body}
}`;
}

/** The words of a shader's uniform. */
export function packParams(shader: Shader, values: readonly number[]): ArrayBuffer {
  const buffer = new ArrayBuffer(Math.max(16, Math.ceil((values.length * 4) / 16) * 16));
  const view = new DataView(buffer);
  for (const [index, [, type]] of shader.params.entries()) {
    const value = values[index] ?? Number.NaN;
    if (type === "f32") view.setFloat32(index * 4, value, true);
    else if (type === "i32") view.setInt32(index * 4, value, true);
    else view.setUint32(index * 4, value, true);
  }
  return buffer;
}
