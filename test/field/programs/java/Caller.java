import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.io.ByteArrayInputStream;
import java.time.Duration;

/** Invokes the function with Java's own client, which waits for 100 Continue: a body with a length, then one in chunks. */
public class Caller {
  public static void main(String[] args) throws Exception {
    HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    byte[] event = "{\"do\":\"echo\"}".getBytes();
    for (HttpRequest.BodyPublisher body : new HttpRequest.BodyPublisher[] {
        BodyPublishers.ofByteArray(event), BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(event)) }) {
      HttpRequest request = HttpRequest.newBuilder(URI.create(args[0])).timeout(Duration.ofSeconds(20))
          .expectContinue(true).POST(body).build();
      HttpResponse<String> answer = client.send(request, BodyHandlers.ofString());
      System.out.println(answer.statusCode() + " " + answer.body());
    }
  }
}
