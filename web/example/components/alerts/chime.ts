let context: AudioContext | undefined;

/** Two short tones. A browser plays them only on a page that somebody has pressed something on. */
export function chime(): void {
  context ??= new AudioContext();
  void context.resume();
  const start = context.currentTime;
  [660, 880].forEach((frequency, i) => tone(context as AudioContext, frequency, start + i * 0.12));
}

function tone(audio: AudioContext, frequency: number, at: number): void {
  const oscillator = audio.createOscillator();
  const volume = audio.createGain();
  oscillator.frequency.value = frequency;
  volume.gain.setValueAtTime(0, at);
  volume.gain.linearRampToValueAtTime(0.08, at + 0.02);
  volume.gain.exponentialRampToValueAtTime(0.0001, at + 0.35);
  oscillator.connect(volume).connect(audio.destination);
  oscillator.start(at);
  oscillator.stop(at + 0.4);
}
