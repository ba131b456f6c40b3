import { type Program, shaderOf } from "./program.ts";

/** A compiled program. */
export interface CompiledProgram {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
}

/** Pipelines of a device by program, and bind-group layouts by what they bind. */
export interface PipelineCache {
  get(program: Program): CompiledProgram;
  size(): number;
}

/** Compiles each program once. */
export function pipelineCache(device: GPUDevice): PipelineCache {
  const compiled = new Map<Program, CompiledProgram>();
  const layouts = new Map<string, GPUBindGroupLayout>();

  /** Written out, not derived from the shader: a shader may leave a binding unused, and equal layouts are shared. */
  function layoutOf({ reads, writes, uniforms }: Program): GPUBindGroupLayout {
    const types: GPUBufferBindingType[] = [
      ...Object.keys(reads).map(() => "read-only-storage" as const),
      ...Object.keys(writes).map(() => "storage" as const),
      ...(Object.keys(uniforms).length > 0 ? (["uniform"] as const) : []),
    ];
    const key = types.join();
    const known = layouts.get(key);
    if (known !== undefined) return known;
    const entries = types.map((type, binding) => ({ binding, visibility: GPUShaderStage.COMPUTE, buffer: { type } }));
    const layout = device.createBindGroupLayout({ entries });
    layouts.set(key, layout);
    return layout;
  }

  return {
    get(program) {
      const known = compiled.get(program);
      if (known !== undefined) return known;
      const layout = layoutOf(program);
      const pipeline = device.createComputePipeline({
        label: program.name,
        layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
        compute: { module: device.createShaderModule({ label: program.name, code: shaderOf(program) }) },
      });
      const entry = { pipeline, layout };
      compiled.set(program, entry);
      return entry;
    },
    size: () => compiled.size,
  };
}
