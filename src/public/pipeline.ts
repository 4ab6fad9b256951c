export { Images } from "../pipeline/Images.ts"
