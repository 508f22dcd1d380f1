use std::collections::BTreeSet;

use futures_util::TryStreamExt;

use super::*;

fn store() -> (tempfile::TempDir, Objects) {
    let dir = tempfile::tempdir().expect("a folder");
    let objects = Objects::open_to_serve(&dir.path().join("objects")).expect("a store");
    (dir, objects)
}

async fn read_all(objects: &Objects, spans: Vec<Span>) -> Result<Vec<u8>, Error> {
    let parts: Vec<Bytes> = read_spans(objects, spans).await?.try_collect().await?;
    Ok(parts.concat())
}

#[tokio::test]
async fn what_is_put_is_read_listed_and_deleted() {
    let (_dir, objects) = store();
    objects.probe().await.expect("a good store");
    let big: Vec<u8> = (0..3_000_000_u32).map(|i| (i % 251) as u8).collect();
    let first = objects.put(Bytes::from(big.clone())).await.expect("put");
    let second = objects.put(Bytes::from_static(b"end")).await.expect("put");
    let listed: BTreeSet<_> =
        objects.list().map_ok(|l| (l.key, l.size)).try_collect().await.expect("a list");
    assert_eq!(listed, BTreeSet::from([(first.clone(), 3_000_000), (second.clone(), 3)]));
    let spans = vec![
        Span { key: first.clone(), start: 7, length: 2_000_001 },
        Span { key: second.clone(), start: 1, length: 2 },
    ];
    let read = read_all(&objects, spans).await.expect("read");
    assert_eq!(read[..2_000_001], big[7..2_000_008]);
    assert_eq!(&read[2_000_001..], b"nd");
    objects.delete(&[first.clone(), second]).await.expect("deleted");
    objects.delete(std::slice::from_ref(&first)).await.expect("gone already");
    let gone = read_all(&objects, vec![Span { key: first, start: 0, length: 1 }]).await;
    assert!(matches!(gone, Err(Error::NotFound)));
}

#[tokio::test]
async fn an_object_shorter_than_promised_is_an_error() {
    let (_dir, objects) = store();
    let key = objects.put(Bytes::from_static(b"short")).await.expect("put");
    let read = read_all(&objects, vec![Span { key, start: 0, length: 6 }]).await;
    assert!(matches!(read, Err(Error::Unreliable)));
}

#[tokio::test]
async fn what_was_not_published_is_nowhere() {
    let (dir, objects) = store();
    let incoming = dir.path().join("objects/incoming");
    let mut writer = objects.begin().expect("begun");
    writer
        .write(&[Bytes::from_static(b"abc"), Bytes::new(), Bytes::from_static(b"defg")])
        .expect("written");
    writer.truncate(5).expect("cut");
    assert_eq!(fs::read_dir(&incoming).expect("a folder").count(), 1);
    let mut other = objects.begin().expect("begun");
    other.write(&[Bytes::from_static(b"lost")]).expect("written");
    drop(other);
    let key = writer.publish().expect("published");
    assert_eq!(objects.object(&key).await.expect("there").length(), 5);
    assert_eq!(fs::read_dir(&incoming).expect("a folder").count(), 0);
    fs::write(incoming.join("left-behind"), b"x").expect("written");
    assert!(matches!(Objects::open_to_serve(&dir.path().join("objects")), Err(Error::InUse)));
    drop(objects);
    let again = Objects::open_to_serve(&dir.path().join("objects")).expect("a store");
    assert_eq!(fs::read_dir(&incoming).expect("a folder").count(), 0);
    assert_eq!(again.list().try_collect::<Vec<_>>().await.expect("a list").len(), 1);
}
