import type { ImageConfig } from "../pipeline/ImageConfig.ts"
import { elementAt } from "../pipeline/elementAt.ts"
import { resizeImages } from "../pipeline/resizeImages.ts"
import type { Seen } from "./TeacherModel.ts"

const half = [0.5, 0.5, 0.5] as const

/**
 * A student's normalised images as its teacher takes them: the same images, in the teacher's size, normalised by the
 * teacher's mean and deviation. Where nothing differs, the same array.
 *
 * Same views for both: Beyer et al., Knowledge distillation: A good teacher is patient and consistent, 2022.
 */
export const teacherView = (
  images: Float32Array,
  size: number,
  student: Pick<ImageConfig, "height" | "mean" | "std" | "width">,
  teacher: Seen
): Float32Array => {
  const resized = resizeImages(images, size, student, teacher)
  const channels = [0, 1, 2].map((c) => {
    const [mean, std] = [elementAt(student.mean ?? half, c), elementAt(student.std ?? half, c)]
    const [ownMean, ownStd] = [elementAt(teacher.mean ?? half, c), elementAt(teacher.std ?? half, c)]
    return { factor: std / ownStd, shift: (mean - ownMean) / ownStd }
  })
  if (channels.every(({ factor, shift }) => factor === 1 && shift === 0)) return resized
  return Float32Array.from(resized, (value, i) => {
    const { factor, shift } = elementAt(channels, i % 3)
    return value * factor + shift
  })
}
