/** Whether an address is a picture within itself, and holds nothing that could end an attribute. */
export const isLocalPicture = (address: string): boolean =>
  /^data:image\/(webp|jpeg|png);base64,[A-Za-z0-9+/=]+$/.test(address)
