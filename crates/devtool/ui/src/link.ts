// Deep links: `#session=…&step=…&when=after`. `#step=…` alone means the newest session. Steps are numbered from 1.

export interface Place {
  session: string | null;
  step: number | null;
  after: boolean;
}

export function readPlace(hash: string): Place {
  const values = new URLSearchParams(hash.replace(/^#/, ''));
  const step = Number.parseInt(values.get('step') ?? '', 10);
  return {
    session: values.get('session') || null,
    step: Number.isSafeInteger(step) && step > 0 ? step - 1 : null,
    after: values.get('when') === 'after',
  };
}

export function writePlace(place: Place): string {
  if (!place.session) return '';
  const after = place.after ? '&when=after' : '';
  return `#session=${encodeURIComponent(place.session)}&step=${(place.step ?? 0) + 1}${after}`;
}
