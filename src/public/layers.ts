/**
 * The stages as they work on disk, with sharp and on the engines that are installed. `Live.layer` is all of them; a Layer
 * of one's own that is provided before it takes the place of one.
 */
export * as Live from "../Live.ts"
export * as DiskImageBytes from "../layers/images/DiskImageBytes.ts"
export * as DiskImageFiles from "../layers/images/DiskImageFiles.ts"
export * as SharpImages from "../layers/images/SharpImages.ts"
export * as WorkerFeed from "../layers/images/feed/WorkerFeed.ts"
export * as FileRows from "../layers/sources/FileRows.ts"
export * as SharpSampleCatalogue from "../layers/sources/SharpSampleCatalogue.ts"
export * as DiskPretrained from "../layers/hub/DiskPretrained.ts"
export * as DiskCheckpoints from "../layers/storage/DiskCheckpoints.ts"
export * as DiskFeatureCache from "../layers/storage/DiskFeatureCache.ts"
export * as DiskRuns from "../layers/storage/DiskRuns.ts"
