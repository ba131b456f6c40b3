declare module "jsfive" {
  export class Dataset {
    readonly shape: readonly number[];
    readonly dtype: unknown;
    readonly value: ArrayLike<number>;
  }
  export class Group {
    readonly keys: readonly string[];
    get(name: string): Group | Dataset;
  }
  export class File extends Group {
    constructor(bytes: ArrayBuffer, name: string);
  }
}
