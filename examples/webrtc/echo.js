// One call to the echo: offers, takes the answer, and watches what comes back.

// A picture whose frames tell their number: a moving bar, and 16 bits of a counter as black and white squares.
const BITS = 16, SIDE = 20, WIDTH = 320, HEIGHT = 240;

export function testPattern(framesPerSecond = 15) {
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d");
  canvas.width = WIDTH;
  canvas.height = HEIGHT;
  let count = 0;
  const draw = () => {
    count++;
    context.fillStyle = `hsl(${count % 360} 60% 50%)`;
    context.fillRect(0, 0, WIDTH, HEIGHT);
    context.fillStyle = "black";
    context.fillRect((count * 4) % WIDTH, 60, 20, HEIGHT - 60);
    for (let i = 0; i < BITS; i++) {
      context.fillStyle = (count >> i) & 1 ? "white" : "black";
      context.fillRect(i * SIDE, 0, SIDE, SIDE);
    }
    context.fillStyle = "white";
    context.font = "48px monospace";
    context.fillText(String(count), 100, 150);
  };
  draw();
  const timer = setInterval(draw, 1000 / framesPerSecond);
  return {canvas, stream: canvas.captureStream(framesPerSecond), stop: () => clearInterval(timer)};
}

// The number of the frame that a video shows now; a browser may have scaled it down on the way.
function frameNumber(video) {
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d", {willReadFrequently: true});
  let number = 0;
  canvas.width = WIDTH;
  canvas.height = SIDE;
  context.drawImage(video, 0, 0, WIDTH, HEIGHT);
  for (let i = 0; i < BITS; i++) {
    const [red, green, blue] = context.getImageData(i * SIDE + SIDE / 2, SIDE / 2, 1, 1).data;
    if (red + green + blue > 384) number |= 1 << i;
  }
  return number;
}

// stream: what to send, or null. signal: takes the offer's SDP, gives the answer's. data: whether to open a channel.
export class Call {
  constructor({stream = null, data = true, signal = post} = {}) {
    this.connection = new RTCPeerConnection();
    this.signal = signal;
    this.frames = 0; // that came back
    this.numbers = []; // theirs, of the test pattern
    this.echoes = 0; // messages
    this.video = document.createElement("video");
    this.video.muted = this.video.autoplay = this.video.playsInline = true;
    this.connection.ontrack = ({track}) => this.show(track);
    if (stream) for (const track of stream.getTracks()) this.connection.addTrack(track, stream);
    if (data) this.openChannel();
  }

  openChannel() {
    const channel = this.connection.createDataChannel("echo");
    let sent = 0;
    const send = () => {
      if (channel.readyState === "open") channel.send(`ping ${++sent}`);
    };
    channel.onopen = send;
    channel.onmessage = ({data}) => {
      if (data === `ping ${sent}`) this.echoes++;
      setTimeout(send, 250);
    };
  }

  show(track) {
    if (track.kind !== "video") return;
    this.video.srcObject = new MediaStream([track]);
    this.video.play().catch(() => {});
    const count = () => {
      this.frames++;
      this.numbers.push(frameNumber(this.video));
      if (this.numbers.length > 1000) this.numbers.shift();
      this.video.requestVideoFrameCallback(count);
    };
    this.video.requestVideoFrameCallback(count);
  }

  async start() {
    await this.connection.setLocalDescription();
    const answer = await this.signal(this.connection.localDescription.sdp);
    this.name = /a=ice-ufrag:(\S+)/.exec(answer)[1];
    await this.connection.setRemoteDescription({type: "answer", sdp: answer});
  }

  // What getStats knows of the transport and the path.
  async state() {
    const stats = [...(await this.connection.getStats()).values()];
    const transport = stats.find((s) => s.type === "transport") || {};
    const pair = stats.find((s) => s.type === "candidate-pair" && (s.nominated || s.selected)) || {};
    const versions = {FEFC: "1.3", FEFD: "1.2"};
    return {
      connection: this.connection.connectionState,
      dtls: transport.dtlsState || "",
      version: versions[transport.tlsVersion] || transport.tlsVersion || "",
      cipher: transport.dtlsCipher || "",
      srtp: transport.srtpCipher || "",
      roundTripMs: pair.currentRoundTripTime === undefined ? null : pair.currentRoundTripTime * 1000,
      frames: this.frames,
      distinct: new Set(this.numbers).size,
      echoes: this.echoes,
    };
  }

  close() {
    this.connection.close();
  }
}

async function post(sdp) {
  const response = await fetch("/offer", {method: "POST", body: sdp});
  if (!response.ok) throw new Error(`the server answers ${response.status}`);
  return response.text();
}
