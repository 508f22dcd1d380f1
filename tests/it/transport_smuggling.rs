//! Request smuggling, direct (row T4): every vector holds a second request that a sloppy
//! reader would see. Either 400 and the end, or exactly the one request that was sent.

use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream;
use http_body_util::Full;
use strongroom::config::Limits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::gateway::Gateway;

/// The attacks; `@S` stands for the smuggled request, `@N` for its length.
fn vectors() -> Vec<String> {
    let encodings = [
        "Transfer-Encoding: chunked",
        "Transfer-Encoding: Chunked",
        "Transfer-Encoding : chunked",
        "Transfer-Encoding\t: chunked",
        " Transfer-Encoding: chunked",
        "Transfer-Encoding:\tchunked",
        "Transfer-Encoding:\u{b}chunked",
        "Transfer-Encoding: chunked\u{b}",
        "Transfer-Encoding: \"chunked\"",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding: chunkedx",
        "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding: identity, chunked",
        "Transfer-Encoding: identity",
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: chunked, chunked",
        "Transfer-Encoding: chunked;q=1",
        "Transfer-Encoding:",
        "Transfer-Encoding: cow",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: cow",
        "Transfer-Encoding: cow\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "X: y\r\n Transfer-Encoding: chunked",
        "X: y\nTransfer-Encoding: chunked",
        "X: y\rTransfer-Encoding: chunked",
        "Transfer-Encoding:\r\n chunked",
        "Transfer-Encoding:\n chunked",
        "Transfer_Encoding: chunked",
        "Transfer-Encoding\0: chunked",
        "Transfer-Encoding: chunked\0",
        "Trànsfer-Encoding: chunked",
    ];
    let mut all = Vec::new();
    for encoding in encodings {
        // CL.TE, TE.CL and TE.TE, in both orders and with a body for either reading.
        all.push(format!(
            "PUT /o HTTP/1.1\r\nhost: H\r\nContent-Length: @5\r\n{encoding}\r\n\r\n0\r\n\r\n@S"
        ));
        all.push(format!(
            "PUT /o HTTP/1.1\r\nhost: H\r\n{encoding}\r\nContent-Length: @5\r\n\r\n0\r\n\r\n@S"
        ));
        all.push(format!("PUT /o HTTP/1.1\r\nhost: H\r\nContent-Length: 4\r\n{encoding}\r\n\r\nX\r\n@S\r\n0\r\n\r\n"));
        all.push(format!("PUT /o HTTP/1.1\r\nhost: H\r\n{encoding}\r\n\r\n0\r\n\r\n@S"));
    }
    let lengths = [
        "+0",
        "-0",
        "-1",
        "0x0",
        "0,0",
        "0, @N",
        "@N, 0",
        "0\r\nContent-Length: @N",
        "@N\r\nContent-Length: 0",
        "00\r\nContent-Length: @N",
        "0 @N",
        " ",
        "",
        "1e1",
        "18446744073709551616",
        "0\u{b}",
        "0;",
        "0\r\n Content-Length: @N",
    ];
    for length in lengths {
        all.push(format!("PUT /o HTTP/1.1\r\nhost: H\r\nContent-Length: {length}\r\n\r\n@S"));
        all.push(format!(
            "PUT /o HTTP/1.1\r\nhost: H\r\nX: y\r\nContent-Length: {length}\r\nX: y\r\n\r\n@S"
        ));
    }
    let chunks = [
        "1;\nxx\r\nZ\r\n0\r\n\r\n@S",
        "1;a=\"\n\"\r\nZ\r\n0\r\n\r\n@S",
        "1\nZ\r\n0\r\n\r\n@S",
        "1\r\nZ\n0\r\n\r\n@S",
        "1\r\nZZ0\r\n\r\n@S",
        "+1\r\nZ\r\n0\r\n\r\n@S",
        "0x1\r\nZ\r\n0\r\n\r\n@S",
        "1 \r\nZ\r\n0\r\n\r\n@S",
        "\r\n1\r\nZ\r\n0\r\n\r\n@S",
        "fffffffffffffffff\r\n@S",
        "-1\r\n@S",
        "0\r\nX: y\n\r\n\r\n@S",
        "0\r\nContent-Length: 9\r\n\r\n@S",
        "0\n\n@S",
        "0\r\n\n@S",
        "0;\r\r\n\r\n@S",
        "1;a\rb\r\nZ\r\n0\r\n\r\n@S",
        "g\r\n@S",
        "\n@S",
        "0\r\n\r\n\r\n@S",
    ];
    for chunk in chunks {
        all.push(format!(
            "PUT /o HTTP/1.1\r\nhost: H\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}"
        ));
    }
    let heads = [
        "GET /o HTTP/1.1\r\nhost: H\r\nX: y\n\n@S",
        "GET /o HTTP/1.1\nhost: H\n\n@S",
        "GET /o HTTP/1.1\r\nhost: H\r\nX: y\r\r\n@S",
        "GET /o HTTP/1.1\r\nhost: H\r\nX: \n\r\n@S",
        "GET /o HTTP/1.1\r\nhost: H\r\nX\r\n\r\n@S",
        "GET /o HTTP/1.1\r\nhost: H\r\n: y\r\n\r\n@S",
        "GET /o HTTP/1.1\r\n host: H\r\n\r\n@S",
        "GET /o HTTP/1.1\r\nhost: H\0\r\n\r\n@S",
        "GET /o HTTP/1.1 \r\nhost: H\r\nContent-Length: x\r\n\r\n@S",
        "GET /o HTTP/1.0\r\nhost: H\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n@S",
        "GET /o HTTP/1.2\r\nhost: H\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n@S",
        "GET /o HTTP/2.0\r\nhost: H\r\n\r\n@S",
        "GET /o\r\n\r\n@S",
        "GET /o HTTP/1.1\r\nhost: H\r\nX:y\u{85}\n\r\n@S",
        // CL.0: routes that answer without reading the body they were promised.
        "GET /o HTTP/1.1\r\nhost: H\r\nContent-Length: @N\r\n\r\n@S",
        "GET /nothing HTTP/1.1\r\nhost: H\r\nContent-Length: @N\r\n\r\n@S",
        "DELETE /o HTTP/1.1\r\nhost: H\r\nContent-Length: @N\r\n\r\n@S",
        "TRACE /o HTTP/1.1\r\nhost: H\r\nContent-Length: @N\r\n\r\n@S",
        "HEAD /o HTTP/1.1\r\nhost: H\r\nContent-Length: @N\r\n\r\n@S",
        "OPTIONS * HTTP/1.1\r\nhost: H\r\nContent-Length: @N\r\n\r\n@S",
        "PUT /o HTTP/1.1\r\nhost: H\r\nContent-Length: @N\r\nContent-Encoding: gzip\r\n\r\n@S",
        "PUT /o HTTP/1.1\r\nhost: evil\r\nContent-Length: @N\r\n\r\n@S",
        "PUT /o HTTP/1.1\r\nhost: H\r\nContent-Length: @N\r\nExpect: 100-continue\r\n\r\n@S",
        "PUT /o HTTP/1.1\r\nhost: H\r\nContent-Length: @N\r\nExpect: bread\r\n\r\n@S",
        "PUT /o HTTP/1.1\r\nhost: H\r\nContent-Length: @N\r\nConnection: Content-Length\r\n\r\n@S",
        "GET /o HTTP/1.1\r\nhost: H\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: \r\nContent-Length: @N\r\n\r\n@S",
        "GET /o HTTP/1.1\r\nhost: H\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: @N\r\n\r\n@S",
    ];
    all.extend(heads.map(str::to_owned));
    all
}

#[tokio::test]
async fn no_vector_makes_two_requests_of_one() {
    let limits = Limits { idle_seconds: 1, header_seconds: 2, ..Limits::default() };
    let gateway = Gateway::with(limits);
    let client = gateway.client();
    let vectors = vectors();
    assert!(vectors.len() >= 150, "{}", vectors.len());
    let sent = stream::iter(vectors.into_iter().enumerate()).map(|(number, vector)| {
        let (client, address) = (client.clone(), gateway.address);
        async move {
            let smuggled = format!("GET /probe/hit/s HTTP/1.1\r\nhost: {address}\r\n\r\n");
            let length = smuggled.len();
            let text = vector
                .replace("/o", &format!("/probe/hit/{number}"))
                .replace(": H", &format!(": {address}"))
                .replace("@5", &(length + 5).to_string())
                .replace("@N", &length.to_string())
                .replace("@S", &smuggled);
            let mut stream = client.connect("http/1.1").await.expect("connects");
            stream.write_all(text.as_bytes()).await.expect("sent");
            stream.flush().await.expect("sent");
            let mut answer = Vec::new();
            let read = stream.read_to_end(&mut answer);
            let ended = tokio::time::timeout(Duration::from_secs(10), read).await.is_ok();
            (number, vector, String::from_utf8_lossy(&answer).into_owned(), ended)
        }
    });
    let answers: Vec<_> = sent.buffer_unordered(32).collect().await;
    assert_eq!(gateway.hits("s"), 0, "a smuggled request was answered");
    for (number, vector, answer, ended) in answers {
        assert!(ended, "left open: {vector:?}");
        let final_answers =
            answer.matches("HTTP/1.1 ").count() - answer.matches("HTTP/1.1 100 Continue").count();
        assert!(final_answers <= 1, "{final_answers} answers to {vector:?}: {answer}");
        if gateway.hits(&number.to_string()) != 1 {
            assert!(answer.contains("HTTP/1.1 4"), "{vector:?}: {answer}");
        }
    }
}

/// Switched off (a client that sends two honest requests on one connection), the smuggled
/// request would be seen: the vectors' instrument works.
#[tokio::test]
async fn two_honest_requests_on_one_connection_are_two() {
    let gateway = Gateway::start();
    let one = format!("GET /probe/hit/s HTTP/1.1\r\nhost: {}\r\n", gateway.address);
    let both = format!("{one}\r\n{one}connection: close\r\n\r\n");
    let answer = gateway.client().raw(both.as_bytes()).await;
    assert_eq!(answer.matches("HTTP/1.1 200 ").count(), 2, "{answer}");
    assert_eq!(gateway.hits("s"), 2);
}

/// H2.CL and H2.TE: HTTP/2 has one framing, and headers that claim another are malformed.
#[tokio::test]
async fn http_2_headers_cannot_claim_another_framing() {
    let gateway = Gateway::start();
    let client = gateway.client();
    for (name, value) in [("content-length", "3"), ("content-length", "9")] {
        let stream = client.connect("h2").await.expect("connects");
        let (mut sender, connection) = h2::client::handshake(stream).await.expect("HTTP/2");
        tokio::spawn(connection);
        let request = client.request_h2("PUT", "/probe/hit/h2").header(name, value);
        let (response, mut body) =
            sender.send_request(request.body(()).expect("a request"), false).expect("sent");
        body.send_data(Bytes::from_static(b"GET / "), true).expect("sent");
        let answered = response.await;
        assert!(
            answered.as_ref().map_or(true, |r| r.status().is_client_error()),
            "{value}: {answered:?}"
        );
    }
    assert_eq!(gateway.hits("h2"), 0);
    let request = client.request_h2("PUT", "/probe/hit/h2").body(Full::from("honest"));
    assert_eq!(client.h2(request.expect("a request")).await.status(), 200);
    assert_eq!(gateway.hits("h2"), 1);
}
