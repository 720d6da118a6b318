package link

import (
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"time"
)

// MinKey is how many bytes a cluster key has at least.
const MinKey = 16

// Derive returns 32 bytes for one use of the cluster key, which tell nothing of the key or of other uses.
func Derive(key []byte, use string) ([]byte, error) {
	if len(key) < MinKey {
		return nil, fmt.Errorf("the cluster key has %d bytes, at least %d are needed", len(key), MinKey)
	}
	return hkdf.Key(sha256.New, key, nil, "nacre "+use, 32)
}

// Certificates are good at any time: whoever has the key can make new ones, so an end would protect
// nothing, and clocks of nodes may differ.
var (
	validFrom = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	validTo   = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)
)

// errForeign is a certificate that the cluster's authority did not sign.
var errForeign = errors.New("the certificate is not of this cluster key")

// tlsConfigs makes the authority of the key, a certificate of it, and what both sides of a connection need.
func tlsConfigs(key []byte) (client, server *tls.Config, err error) {
	seed, err := Derive(key, "cluster authority 1")
	if err != nil {
		return nil, nil, err
	}
	authorityKey := ed25519.NewKeyFromSeed(seed)
	authority := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "nacre cluster"}, NotBefore: validFrom, NotAfter: validTo,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	raw, err := x509.CreateCertificate(rand.Reader, authority, authority, authorityKey.Public(), authorityKey)
	if err != nil {
		return nil, nil, err
	}
	if authority, err = x509.ParseCertificate(raw); err != nil {
		return nil, nil, err
	}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	node := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "nacre node"}, NotBefore: validFrom, NotAfter: validTo,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
	if raw, err = x509.CreateCertificate(rand.Reader, node, authority, public, authorityKey); err != nil {
		return nil, nil, err
	}
	both := &tls.Config{
		MinVersion:   tls.VersionTLS13,
		Certificates: []tls.Certificate{{Certificate: [][]byte{raw}, PrivateKey: private}},
		// Names say nothing here, the authority says all: VerifyConnection checks it on both sides.
		InsecureSkipVerify:     true,
		ClientAuth:             tls.RequireAnyClientCert,
		SessionTicketsDisabled: true,
		VerifyConnection: func(s tls.ConnectionState) error {
			if len(s.PeerCertificates) != 1 || s.PeerCertificates[0].CheckSignatureFrom(authority) != nil {
				return errForeign
			}
			return nil
		},
	}
	return both, both.Clone(), nil
}
