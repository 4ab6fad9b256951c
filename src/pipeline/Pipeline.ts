import { Effect, Struct } from "effect"
import type { Stream } from "effect"
import type { AugmentConfig } from "./AugmentConfig.ts"
import { batches, batchesOfFiles, batchForms } from "./batches.ts"
import type { DataConfig } from "./DataConfig.ts"
import { loadDataset } from "./Dataset.ts"
import type { Known } from "./checkImages.ts"
import type { ImageConfig } from "./ImageConfig.ts"
import type { ImagePath } from "./ImageFiles.ts"
import type { Losses } from "./Losses.ts"
import type { LoaderConfig } from "./LoaderConfig.ts"
import type { Sample } from "./Sample.ts"
import type { Drawn, Sampling } from "./sampling.ts"
import { drawnSamples, epochOrder } from "./sampling.ts"
import { SampleCatalogue } from "./SampleCatalogue.ts"

/** The part of a run's configuration that decides what reaches the training service, and in what order. */
export interface PipelineConfig {
  readonly seed: number
  readonly data: DataConfig
  readonly image: ImageConfig
  readonly augment: AugmentConfig
  readonly loader: LoaderConfig
  readonly train: {
    readonly batchSize: number
    readonly sampling?: Sampling
    /** Where it is there, the training part is divided into folds, so that the names of the groups are needed. */
    readonly labelNoise?: unknown
  }
}

/**
 * The samples of a run: csv, rows, filter, image check, split. Refused rows are in the dataset's ledger. `known` is
 * what the run has found out about the images before.
 */
export const dataset = Effect.fn("Pipeline.dataset")(function* (config: PipelineConfig, known?: Known) {
  const { data } = config
  // The Schema guarantees either a folder or a sample catalogue to draw.
  const root = data.sample === undefined ? data.root! : yield* drawn(data.sample)
  return yield* loadDataset({ ...config, root, known, withGroups: config.train.labelNoise !== undefined })
})

const drawn = (sample: NonNullable<DataConfig["sample"]>) => SampleCatalogue.use((catalogue) => catalogue.draw(sample))

/** The training samples of an epoch (from 0), in its order. */
export const epochSamples = (
  { seed, train }: Pick<PipelineConfig, "seed" | "train">,
  samples: ReadonlyArray<Sample>,
  epoch: number
): ReadonlyArray<Drawn<Sample>> => drawnSamples(samples, epochOrder(samples, train.sampling, seed, epoch))

/** The batches of an epoch (from 0): order, images, augment, batches; from a position (in batches) on. */
export const trainingBatches = (
  config: PipelineConfig,
  samples: ReadonlyArray<Sample>,
  losses: Losses,
  epoch: number,
  from: number
) =>
  batches({
    ...config,
    columns: losses.columns,
    samples: epochSamples(config, samples, epoch),
    losses,
    batchSize: config.train.batchSize,
    order: undefined,
    epoch,
    from
  })

/** The batches of a part that is measured: in its own order, without augmentation; from a position on. */
export const evaluationBatches = (config: PipelineConfig, samples: ReadonlyArray<Sample>, losses: Losses, from = 0) =>
  batches({
    ...config,
    samples,
    columns: losses.columns,
    losses,
    batchSize: config.train.batchSize,
    order: undefined,
    augment: undefined,
    epoch: 0,
    from
  })

/** The batches of a part for several networks: as `evaluationBatches`, each batch in several forms. */
export const evaluationForms = (
  config: PipelineConfig,
  images: ReadonlyArray<ImageConfig>,
  samples: ReadonlyArray<Sample>,
  losses: Losses
) =>
  batchForms({
    ...config,
    images,
    samples,
    columns: losses.columns,
    losses,
    batchSize: config.train.batchSize,
    order: undefined,
    augment: undefined,
    epoch: 0,
    from: 0,
    loader: once(config.loader)
  })

/**
 * Batches of any image files in several forms, each with the files that cannot be read; nothing of a batch is kept
 * after it has been taken.
 */
export const fileBatches = (
  config: PipelineConfig,
  images: ReadonlyArray<ImageConfig>,
  paths: Stream.Stream<ImagePath>
) =>
  batchesOfFiles({
    images,
    batchSize: config.train.batchSize,
    loader: Struct.omit(once(config.loader), ["cache"]),
    paths
  })

/** No memory for decoded images: it is for later epochs, and there are none. */
const once = (loader: LoaderConfig): LoaderConfig => ({ ...loader, memory: 0 })
