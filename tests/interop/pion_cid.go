// pion_cid listen|dial ADDRESS LENGTH: one connection with connection IDs (RFC 9146), pion's of LENGTH bytes; 0: it wants none,
// and sends with the peer's. Who listens sends each record back; who dials sends the lines of its input and prints what comes.
package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/dtls/v3/pkg/crypto/selfsign"
)

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

func sendInput(conn *dtls.Conn) {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		_, err := conn.Write(lines.Bytes())
		check(err)
	}
}

func main() {
	certificate, err := selfsign.GenerateSelfSigned()
	check(err)
	length, err := strconv.Atoi(os.Args[3])
	check(err)
	config := &dtls.Config{
		Certificates:          []tls.Certificate{certificate},
		InsecureSkipVerify:    true,
		ConnectionIDGenerator: dtls.OnlySendCIDGenerator(),
	}
	if length > 0 {
		config.ConnectionIDGenerator = dtls.RandomCIDGenerator(length)
	}
	listens := os.Args[1] == "listen"
	conn := connect(os.Args[1], os.Args[2], config)
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	check(conn.HandshakeContext(ctx))
	fmt.Println("connected")
	if !listens {
		go sendInput(conn)
	}
	buffer := make([]byte, 2048)
	for {
		n, err := conn.Read(buffer)
		check(err)
		fmt.Printf("got %s\n", strings.TrimSpace(string(buffer[:n])))
		if listens {
			_, err = conn.Write(buffer[:n])
			check(err)
		}
	}
}
