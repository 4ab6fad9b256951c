import { FeatureCache } from "../../src/model/FeatureCache.ts"
import { featureCacheContract } from "./featureCacheContract.ts"

featureCacheContract("in memory", FeatureCache.layerMemory)
