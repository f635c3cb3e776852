/** Major and minor number of a device. */
export interface DeviceNumbers {
  readonly major: number;
  readonly minor: number;
}

/** Splits `st_rdev` as Linux's C libraries do (gnu_dev_major, gnu_dev_minor in sys/sysmacros.h). */
export function deviceNumbers(rdev: bigint | number): DeviceNumbers {
  const device = BigInt(rdev);
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xfffff000n);
  const minor = (device & 0xffn) | ((device >> 12n) & 0xffffff00n);
  return { major: Number(major), minor: Number(minor) };
}

/** The inverse of `deviceNumbers` (gnu_dev_makedev). Both numbers have 32 bits. */
export function deviceOf({ major, minor }: DeviceNumbers): bigint {
  const high = BigInt(major);
  const low = BigInt(minor);
  return (
    ((high & 0xfffn) << 8n) | ((high & 0xfffff000n) << 32n) | (low & 0xffn) | ((low & 0xffffff00n) << 12n)
  );
}
