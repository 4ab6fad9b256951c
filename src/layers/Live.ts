import { NodeServices } from "@effect/platform-node"
import { Layer } from "effect"
import { Augment } from "../pipeline/Augment.ts"
import * as CsvParseRows from "./CsvParseRows.ts"
import * as DiskExports from "./DiskExports.ts"
import * as DiskFeatureCache from "./DiskFeatureCache.ts"
import * as DiskImageFiles from "./DiskImageFiles.ts"
import * as DiskPretrained from "./DiskPretrained.ts"
import * as DiskRuns from "./DiskRuns.ts"
import * as DiskImageBytes from "./images/DiskImageBytes.ts"
import * as LiveEngines from "./LiveEngines.ts"
import * as NodeMachine from "./NodeMachine.ts"
import * as ProcessorFeatures from "./ProcessorFeatures.ts"
import * as PlotCharts from "./PlotCharts.ts"
import * as RunPages from "./RunPages.ts"
import * as ProcessExportReaders from "./ProcessExportReaders.ts"
import * as SharpImages from "./SharpImages.ts"
import * as SharpSampleCatalogue from "./SharpSampleCatalogue.ts"
import * as SharpThumbnails from "./SharpThumbnails.ts"
import * as TerminalProgress from "./TerminalProgress.ts"
import * as WorkerFeed from "./WorkerFeed.ts"

/** Every stage by its live Layer: what the command line runs on. */
export const layer = Layer.mergeAll(
  CsvParseRows.layer,
  WorkerFeed.layer.pipe(Layer.provideMerge(Layer.merge(SharpImages.layerFromBytes, Augment.layer))),
  LiveEngines.layer,
  DiskPretrained.layer,
  DiskImageFiles.layer,
  DiskFeatureCache.layer(),
  ProcessorFeatures.layer,
  DiskExports.layer,
  ProcessExportReaders.layer,
  NodeMachine.layer,
  TerminalProgress.layer,
  RunPages.layer.pipe(
    Layer.provideMerge(
      Layer.mergeAll(PlotCharts.layer, SharpThumbnails.layerFromBytes, SharpSampleCatalogue.layer, DiskRuns.layer)
    )
  )
).pipe(Layer.provide(DiskImageBytes.layer), Layer.provideMerge(NodeServices.layer))
