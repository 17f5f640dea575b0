// pion_srtp listen|dial ADDRESS PROFILES: one handshake of DTLS-SRTP with a certificate of its own. Prints the profile agreed
// on and what is exported for it, then waits for data, which it prints. Who dials sends some first, for an echo.
package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/dtls/v3/pkg/crypto/selfsign"
)

type profile struct {
	id       dtls.SRTPProtectionProfile
	material int
}

var profiles = map[string]profile{
	"SRTP_AES128_CM_HMAC_SHA1_80": {dtls.SRTP_AES128_CM_HMAC_SHA1_80, 60},
	"SRTP_AES128_CM_HMAC_SHA1_32": {dtls.SRTP_AES128_CM_HMAC_SHA1_32, 60},
	"SRTP_AEAD_AES_128_GCM":       {dtls.SRTP_AEAD_AES_128_GCM, 56},
	"SRTP_AEAD_AES_256_GCM":       {dtls.SRTP_AEAD_AES_256_GCM, 88},
}

func check(err error) {
	if err != nil {
		fmt.Println("failed:", err)
		os.Exit(1)
	}
}

func connect(mode, address string, config *dtls.Config) *dtls.Conn {
	at, err := net.ResolveUDPAddr("udp", address)
	check(err)
	if mode == "dial" {
		conn, err := dtls.Dial("udp", at, config)
		check(err)
		return conn
	}
	listener, err := dtls.Listen("udp", at, config)
	check(err)
	fmt.Println("listening")
	conn, err := listener.Accept()
	check(err)
	return conn.(*dtls.Conn)
}

func main() {
	certificate, err := selfsign.GenerateSelfSigned()
	check(err)
	config := &dtls.Config{
		Certificates:         []tls.Certificate{certificate},
		InsecureSkipVerify:   true,
		ClientAuth:           dtls.RequireAnyClientCert,
		ExtendedMasterSecret: dtls.RequireExtendedMasterSecret,
	}
	for _, name := range strings.Split(os.Args[3], ",") {
		config.SRTPProtectionProfiles = append(config.SRTPProtectionProfiles, profiles[name].id)
	}
	conn := connect(os.Args[1], os.Args[2], config)
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	check(conn.HandshakeContext(ctx))
	id, _ := conn.SelectedSRTPProtectionProfile()
	state, _ := conn.ConnectionState()
	for name, p := range profiles {
		if p.id == id {
			material, err := state.ExportKeyingMaterial("EXTRACTOR-dtls_srtp", nil, p.material)
			check(err)
			fmt.Printf("profile %s %x\n", name, material)
		}
	}
	if os.Args[1] == "dial" {
		_, err = conn.Write([]byte("an echo"))
		check(err)
	}
	buffer := make([]byte, 2048)
	n, err := conn.Read(buffer)
	check(err)
	fmt.Printf("got %s\n", strings.TrimSpace(string(buffer[:n])))
	check(conn.Close())
}
