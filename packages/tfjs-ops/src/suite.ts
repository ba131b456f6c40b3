import type { OpRow } from "./op-row.ts";
import { binaryRows } from "./rows/binary.ts";
import { blockRows } from "./rows/blocks.ts";
import { convolutionRows } from "./rows/convolution.ts";
import { convolutionKindRows } from "./rows/convolution-kinds.ts";
import { creationRows } from "./rows/creation.ts";
import { fusedRows } from "./rows/fused.ts";
import { indexingRows } from "./rows/indexing.ts";
import { layoutRows } from "./rows/layout.ts";
import { matrixRows } from "./rows/matrix.ts";
import { normalizationRows } from "./rows/normalization.ts";
import { orderRows } from "./rows/order.ts";
import { parametricRows } from "./rows/parametric.ts";
import { joiningRows } from "./rows/parts.ts";
import { poolingRows } from "./rows/pooling.ts";
import { predicateRows } from "./rows/predicates.ts";
import { reductionRows } from "./rows/reductions.ts";
import { resizeRows } from "./rows/resize.ts";
import { runningRows } from "./rows/running.ts";
import { scatteringRows } from "./rows/scattering.ts";
import { unaryRows } from "./rows/unary.ts";
import { volumeRows } from "./rows/volumes.ts";

/** Every operation, in the order in which a sweep takes them. */
export function opRows(): OpRow[] {
  return [
    ...unaryRows(),
    ...parametricRows(),
    ...binaryRows(),
    ...predicateRows(),
    ...reductionRows(),
    ...runningRows(),
    ...matrixRows(),
    ...convolutionRows(),
    ...convolutionKindRows(),
    ...fusedRows(),
    ...poolingRows(),
    ...volumeRows(),
    ...normalizationRows(),
    ...resizeRows(),
    ...layoutRows(),
    ...orderRows(),
    ...joiningRows(),
    ...blockRows(),
    ...indexingRows(),
    ...scatteringRows(),
    ...creationRows(),
  ];
}
