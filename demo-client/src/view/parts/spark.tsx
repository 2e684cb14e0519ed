// A small plot of a rate, without axes.
import { sparkPath } from '../../model/fleet/pace.js';

const WIDTH = 72;
const HEIGHT = 24;

export function Spark({ series }: { series: readonly [readonly number[], readonly number[]] }) {
  const line = sparkPath(series, WIDTH, HEIGHT);
  return (
    <svg class="spark" width={WIDTH} height={HEIGHT} aria-hidden="true">
      <path class="spark-fill" d={`${line}V${HEIGHT}H0Z`} />
      <path class="spark-line" d={line} />
    </svg>
  );
}
